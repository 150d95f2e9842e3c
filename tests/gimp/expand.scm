; SPDX-License-Identifier: GPL-3.0-or-later
;
; Expand Canvas: the image grows, what was there stays where it was on the picture, and the border is filled.

(define (new) (rgb-picture 40 30))
(define (expand layer . more)
  (apply plug-in-sfumato-expand (append (list #:image (gimp-item-get-image layer) #:drawables (vector layer) #:seed 1 #:steps 2) more)))
(define (size image) (list (gimp-image-get-width image) (gimp-image-get-height image)))

; ---- a new layer over the new canvas; the old layer is only moved ----

(let* ((layer (new)) (image (gimp-item-get-image layer)) (before (digest layer)))
  (select layer 4 4 5 5)
  (let ((border (made (expand layer #:left 10 #:top 6))))
    (check-equal 'canvas (size image) '(50 36))
    (check-equal 'moved (gimp-drawable-get-offsets layer) '(10 6))
    (check-equal 'pixels (digest layer) before)
    (check-equal 'above (layers image) (list border layer))
    (check-equal 'selection (gimp-selection-bounds image) '(#t 14 10 19 15)))
  ; nothing is left transparent
  (let ((flat (gimp-layer-new-from-visible image image "visible")))
    (for-each (lambda (p) (check-equal (list 'opaque p) (cadddr (gimp-drawable-get-pixel flat (car p) (cadr p))) 255))
              '((0 0) (49 0) (0 35) (5 20) (30 3)))
    (gimp-item-delete flat))
  (gimp-image-delete image))

; ---- the layer itself, on all sides ----

(let* ((layer (new)) (image (gimp-item-get-image layer)) (before (gimp-layer-copy layer)))
  (expand layer #:left 3 #:right 4 #:top 5 #:bottom 6 #:output "replace")
  (check-equal 'canvas (size image) '(47 41))
  (check-equal 'layer (list (gimp-drawable-get-width layer) (gimp-drawable-get-height layer)) '(47 41))
  (check-equal 'offsets (gimp-drawable-get-offsets layer) '(0 0))
  (check-equal 'one (layers image) (list layer))
  (check-equal 'channels (vector-length (gimp-image-get-channels image)) 0)
  ; cut back, it is the old picture but for the feathered rim
  (gimp-layer-resize layer 40 30 -3 -5)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 15 17 16 8)
  (check-equal 'kept (car (compare layer before)) 0)
  (gimp-image-delete image))

; ---- a new image; the original stays ----

(let* ((layer (new)) (image (gimp-item-get-image layer)) (before (state image))
       (result (made (expand layer #:right 7 #:output "new-image"))))
  (check-equal 'original (state image) before)
  (check-equal 'canvas (size (gimp-item-get-image result)) '(47 30))
  (gimp-image-delete (gimp-item-get-image result))
  (gimp-image-delete image))

; ---- a layer smaller than the canvas, with alpha ----

(let* ((layer (new-picture 40 30 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR)) (image (gimp-item-get-image layer)))
  (gimp-image-resize image 44 30 2 0)
  (expand layer #:left 6 #:output "replace")
  (check-equal 'canvas (size image) '(50 30))
  (check-equal 'layer (gimp-drawable-get-offsets layer) '(0 0))
  (check-equal 'filled (cadddr (gimp-drawable-get-pixel layer 1 15)) 255)
  (gimp-image-delete image))

; ---- each argument acts ----

(let* ((layer (photo "meadow.jpg" 80 60)) (image (gimp-item-get-image layer))
       (sign (gimp-layer-new image "sign" 30 30 RGB-IMAGE 100 LAYER-MODE-NORMAL)))
  (gimp-image-insert-layer image sign 0 0)
  (gimp-drawable-fill sign FILL-WHITE)
  (try layer plug-in-sfumato-expand '(#:left 20)
    '(#:left 21) '(#:right 3) '(#:top 3) '(#:bottom 3)
    '(#:steps 20) '(#:seed 2) '(#:candidates 2) '(#:sampler "euler") '(#:schedule "karras") '(#:eta 0)
    '(#:feather 9) '(#:context 12) `(#:match-color ,FALSE) `(#:sample-merged ,TRUE))
  (same layer plug-in-sfumato-expand '(#:left 20) '(#:guidance 30))
  (gimp-image-delete image))
