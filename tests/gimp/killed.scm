; SPDX-License-Identifier: GPL-3.0-or-later
;
; The plug-in killed at any moment: the image is as before, or (killed after the work was done) the run has succeeded.

(define layer (rgb-picture 160 120))
(define image (gimp-item-get-image layer))
(select-soft layer 50 40 40 30)
(define before (state image))

(define killed 0)
(define (try ms)
  (later "kill" layer ms)
  (let ((result (catch 'killed (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 20 #:candidates 2))))
    (if (eq? result 'killed)
        (begin (set! killed (+ killed 1)) (check-equal (list 'unchanged ms) (state image) before))
        (begin (for-each (lambda (l) (gimp-image-remove-layer image l)) (vector->list (car result)))
               (check-equal (list 'done ms) (state image) before)))))

(for-each try '(30 60 90 130 180 230 300 370 450 540 640 750))
(check 'some-killed (> killed 2))
(display (list 'killed killed))
(gimp-image-delete image)

; ---- while it writes into the layer itself ----
;
; GIMP merges what it was given before, then the same pixels are written once more, for their last bits. Between the two the
; selection's rim is wrong, and one Undo takes it back. Nothing else may be touched.

(define half-written 0)
(define (try-writing precision writes)
  (let* ((layer (new-picture 300 300 RGB RGBA-IMAGE precision)) (image (gimp-item-get-image layer)))
    (paint layer "random")
    (select-soft layer 60 60 150 150)
    (let ((before (gimp-layer-copy layer)) (but-layer (cdr (state image))))
      (later "kill-writing" layer writes)
      (let* ((result (catch 'killed (plug-in-sfumato-regenerate #:image image #:drawables (vector layer) #:seed 1 #:strength 0.01 #:output "replace")))
             (changed (compare layer before)))
        (if (and (eq? result 'killed) (> (car changed) 0))
            (set! half-written (+ half-written 1)))
        (check-equal (list 'outside precision writes) (cadr changed) 0)
        (check-equal (list 'but-layer precision writes) (cdr (state image)) but-layer)))
    (gimp-image-delete image)))

(for-each (lambda (writes)
            (try-writing PRECISION-U8-NON-LINEAR writes)
            (try-writing PRECISION-FLOAT-LINEAR writes))
          '(0 40 60 70 80 90 100 110 120))
(check 'some-half-written (> half-written 0))
(display (list 'half-written half-written))
