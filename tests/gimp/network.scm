; SPDX-License-Identifier: GPL-3.0-or-later
;
; Networks: small ones with random weights, so what they make means nothing; where it goes, that it repeats, and what is refused.

(define (procedure-call procedure layer more)
  (apply procedure (append (list #:image (gimp-item-get-image layer) #:drawables (vector layer) #:seed 1 #:steps 8) more)))
(define (regenerate layer . more) (procedure-call plug-in-sfumato-regenerate layer more))
(define (fill layer . more) (procedure-call plug-in-sfumato-fill layer more))
(define (expand layer . more) (procedure-call plug-in-sfumato-expand layer more))
(define (generate layer . more) (procedure-call plug-in-sfumato-generate layer more))
(define (size layer) (list (gimp-drawable-get-width layer) (gimp-drawable-get-height layer)))

; ---- every kind of picture: outside of the selection all bits stay, inside something changes ----

(define (try-picture model base type precision)
  (let* ((layer (new-picture 48 40 base type precision)) (image (gimp-item-get-image layer)))
    (paint layer "random")
    (select-soft layer 10 8 24 20)
    (for-each
      (lambda (procedure)
        (let ((before (gimp-layer-copy layer)) (what (list model base type precision)))
          (procedure layer #:model model #:output "replace")
          (let ((changed (compare layer before)))
            (check-equal (list what 'outside) (cadr changed) 0)
            (check (list what 'inside changed) (> (car changed) 30)))))
      (list regenerate fill))
    (gimp-image-delete image)))

(try-picture "plain" RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)
(try-picture "plain" RGB RGBA-IMAGE PRECISION-FLOAT-LINEAR)
(try-picture "plain" GRAY GRAY-IMAGE PRECISION-U16-NON-LINEAR)
(try-picture "gray" GRAY GRAYA-IMAGE PRECISION-U8-NON-LINEAR)
(try-picture "gray" RGB RGB-IMAGE PRECISION-FLOAT-NON-LINEAR)
(try-picture "animals" RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)

; ---- where results go ----

(define layer (rgb-picture 48 40))
(define image (gimp-item-get-image layer))
(select layer 14 12 16 12)

(let* ((before (digest layer)) (result (fill layer #:model "plain" #:candidates 2)) (new (vector->list (car result))))
  (check-equal 'seed (seed-of result) 1)
  (check-equal 'below (digest layer) before)
  (check-equal 'count (length new) 2)
  (check 'differ (not (string=? (digest (car new)) (digest (cadr new)))))
  (check 'mask (gimp-item-id-is-layer-mask (gimp-layer-get-mask (car new))))
  (check 'settings (contains? (settings-of (car new)) "\"model\": \"plain\""))
  (for-each (lambda (l) (gimp-image-remove-layer image l)) new))
(let* ((before (state image)) (new (made (regenerate layer #:model "plain" #:output "new-image"))))
  (check-equal 'original (state image) before)
  (check-equal 'size (size new) '(48 40))
  (gimp-image-delete (gimp-item-get-image new)))
(gimp-selection-none image)
(let ((new (made (expand layer #:model "plain" #:left 8 #:bottom 6))))
  (check-equal 'canvas (list (gimp-image-get-width image) (gimp-image-get-height image)) '(56 46))
  (gimp-image-remove-layer image new)
  (gimp-image-resize image 48 40 -8 0))

; ---- generate: at the model's size, any size, in an image or without one ----

(let ((new (made (generate layer #:model "animals" #:class 2 #:width 30 #:height 11))))
  (check-equal 'size (size new) '(30 11))
  (gimp-image-remove-layer image new))
(define (from-nothing . more)
  (apply plug-in-sfumato-generate (append (list #:image -1 #:drawables (vector) #:steps 4) more)))
(let* ((one (made (from-nothing #:model "plain" #:seed 3))) (again (made (from-nothing #:model "plain" #:seed 3)))
       (other (made (from-nothing #:model "plain" #:seed 4 #:width 20 #:height 12))))
  (check-equal 'native (size one) '(8 8))
  (check-equal 'size (size other) '(20 12))
  (check-equal 'repeat (digest one) (digest again))
  (for-each (lambda (l) (gimp-image-delete (gimp-item-get-image l))) (list one again other)))

; ---- each argument acts, and what is the same gives the same ----

(select layer 14 12 16 12)
(try layer plug-in-sfumato-regenerate '(#:model "animals" #:steps 9 #:strength 0.8 #:class 0)
  '(#:class 1) '(#:strength 1) '(#:steps 12) '(#:seed 2) '(#:sampler "heun") '(#:schedule "karras") '(#:noise-process "cosine-1000"))
(same layer plug-in-sfumato-regenerate '(#:model "silent" #:steps 4 #:noise-process "linear-1000") '(#:class -1))
(try layer plug-in-sfumato-regenerate '(#:model "upsampler" #:steps 6 #:strength 0.8) '(#:strength 1) '(#:seed 2))

; a classifier of random numbers has little to say: seen in floats only
(let ((precise (new-picture 48 40 RGB RGB-IMAGE PRECISION-FLOAT-NON-LINEAR)))
  (select precise 14 12 16 12)
  (try precise plug-in-sfumato-regenerate '(#:model "animals" #:class 0) '(#:classifier "classifier" #:classifier-scale 50))
  (gimp-image-delete (gimp-item-get-image precise)))

; ---- refused: nothing is changed ----

(define-macro (refuses words expression)
  `(let ((before (state image)))
     (fails ,words ,expression)
     (check-equal (list 'unchanged ,words) (state image) before)))

(refuses "from 0 to 2" (fill layer #:model "animals" #:class 3))
(refuses "knows no classes" (fill layer #:model "plain" #:class 0))
(refuses "knows no classes" (fill layer #:model "patch" #:class 0))
(refuses "noise-process" (fill layer #:model "silent"))
(refuses "no noise-process" (fill layer #:model "plain" #:noise-process "nope"))
(refuses "nknown model" (fill layer #:model "nowhere"))
(refuses "is a classifier" (fill layer #:model "classifier"))
(refuses "makes pictures" (fill layer #:model "animals" #:classifier "plain"))
(refuses "16 × 16" (fill layer #:model "animals" #:classifier "large-classifier"))
(refuses "adds detail" (fill layer #:model "upsampler"))
(refuses "latent diffusion" (fill layer #:model "latent"))
(refuses "conv_out.bias" (fill layer #:model "broken" #:output "replace"))
(refuses "prompt" (fill layer #:model "plain" #:prompt "a red fox"))
(fails "adds detail" (from-nothing #:model "upsampler"))
(fails "conv_out.bias" (from-nothing #:model "broken"))
(gimp-image-delete image)
