; SPDX-License-Identifier: GPL-3.0-or-later
;
; What cannot be worked on: an error in words with a way out, and nothing is changed.

(define layer (rgb-picture 60 50))
(define image (gimp-item-get-image layer))
(define other (gimp-layer-new image "other" 60 50 RGBA-IMAGE 100 LAYER-MODE-NORMAL))
(gimp-image-insert-layer image other 0 1)
(select layer 20 15 12 10)

(define (fill drawables . more)
  (apply plug-in-sfumato-fill (append (list #:image image #:drawables drawables #:seed 1 #:steps 2) more)))

; fails, and the image is as before
(define-macro (refuses words expression)
  `(let ((before (state image)))
     (fails ,words ,expression)
     (check-equal (list 'unchanged ,words) (state image) before)))

; ---- drawables ----

(refuses "No layer is selected" (fill (vector)))
(refuses "Several layers" (fill (vector layer other)))
(define group (gimp-group-layer-new image "group"))
(gimp-image-insert-layer image group 0 0)
(refuses "layer group" (fill (vector group)))
(gimp-item-set-lock-content layer TRUE)
(refuses "locked" (fill (vector layer)))
(refuses "locked" (fill (vector layer) #:output "replace"))
(gimp-item-set-lock-content layer FALSE)
(gimp-image-reorder-item image layer group 0)
(gimp-item-set-lock-content group TRUE)
(refuses "locked" (fill (vector layer) #:output "replace"))
(gimp-item-set-lock-content group FALSE)
(gimp-image-reorder-item image layer -1 0)
(define mask (gimp-layer-create-mask layer ADD-MASK-WHITE))
(gimp-layer-add-mask layer mask)
(refuses "layer mask" (fill (vector mask)))
(gimp-layer-remove-mask layer MASK-DISCARD)
(define channel (gimp-channel-new image "channel" 60 50 50 '(255 0 0)))
(gimp-image-insert-channel image channel 0 0)
(refuses "channel" (fill (vector channel)))
(gimp-image-remove-channel image channel)
(refuses "channel" (fill (vector (gimp-image-get-selection image))))
(define loose (gimp-layer-new image "loose" 60 50 RGB-IMAGE 100 LAYER-MODE-NORMAL))
(refuses "not part of the image" (fill (vector loose)))

; ---- selections ----

(gimp-selection-none image)
(refuses "Select the area" (fill (vector layer)))
(gimp-selection-all image)
(refuses "covers the whole layer" (fill (vector layer)))
(define small (gimp-layer-new image "small" 10 10 RGB-IMAGE 100 LAYER-MODE-NORMAL))
(gimp-image-insert-layer image small 0 0)
(select layer 20 15 12 10)
(refuses "outside of the layer" (fill (vector small)))

; ---- arguments ----

(refuses "no sampler" (fill (vector layer) #:sampler "nope"))
(refuses "no schedule" (fill (vector layer) #:schedule "nope"))
(refuses "no output" (fill (vector layer) #:output "nope"))
(refuses "no tileable" (plug-in-sfumato-generate #:image image #:drawables (vector layer) #:tileable "nope"))
(refuses "nknown model" (fill (vector layer) #:model "nope"))
(refuses "nknown model" (fill (vector layer) #:model ""))
(refuses "prompt" (fill (vector layer) #:prompt "a red fox"))
(refuses "negative-prompt" (fill (vector layer) #:negative-prompt "a red fox"))
(refuses "Nothing to add" (plug-in-sfumato-expand #:image image #:drawables (vector layer)))

; too small, too large: all of these have a range
(define-macro (out-of-range procedure name low high)
  `(begin
     (refuses "out of range" (,procedure #:image image #:drawables (vector layer) ,name ,low))
     (refuses "out of range" (,procedure #:image image #:drawables (vector layer) ,name ,high))))
(out-of-range plug-in-sfumato-regenerate #:strength -0.1 1.1)
(out-of-range plug-in-sfumato-fill #:steps -1 1001)
(out-of-range plug-in-sfumato-fill #:eta -0.1 1.1)
(out-of-range plug-in-sfumato-fill #:guidance -0.1 30.1)
(out-of-range plug-in-sfumato-fill #:seed -2 2147483648)
(out-of-range plug-in-sfumato-fill #:candidates 0 17)
(out-of-range plug-in-sfumato-generate #:width -1 16385)
(out-of-range plug-in-sfumato-generate #:height -1 16385)
(out-of-range plug-in-sfumato-expand #:left -1 16385)
(out-of-range plug-in-sfumato-expand #:right -1 16385)
(out-of-range plug-in-sfumato-expand #:top -1 16385)
(out-of-range plug-in-sfumato-expand #:bottom -1 16385)
(out-of-range plug-in-sfumato-fill #:feather -1.1 513)
(out-of-range plug-in-sfumato-fill #:context -1.1 4097)

; wrong types
(for-each (lambda (more) (refuses "expected type" (apply fill (cons (vector layer) more))))
          (list (list #:model 3) (list #:prompt 3) (list #:negative-prompt 3) (list #:steps "x") (list #:sampler 3)
                (list #:schedule 3) (list #:eta "x") (list #:guidance "x") (list #:seed "x") (list #:candidates "x")
                (list #:feather "x") (list #:context "x") (list #:output 3)))
(refuses "expected type" (fill layer))

; ---- images ----

(fails "invalid" (plug-in-sfumato-fill #:image -1 #:drawables (vector layer)))
(gimp-edit-copy (vector layer))
(gimp-edit-paste layer TRUE)
(fails "floating selection" (fill (vector layer)))
(gimp-floating-sel-anchor (gimp-image-get-floating-sel image))

(gimp-image-delete image)

(define indexed (rgb-picture 40 40))
(define indexed-image (gimp-item-get-image indexed))
(select indexed 10 10 8 8)
(gimp-image-convert-indexed indexed-image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 16 FALSE FALSE "")
(set! image indexed-image)
(refuses "Convert" (fill (vector indexed)))
(gimp-image-delete image)
