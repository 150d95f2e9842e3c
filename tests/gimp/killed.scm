; SPDX-License-Identifier: GPL-3.0-or-later
;
; The plug-in killed at any moment, also while it writes: the image is as before, or (killed after the work was done) the run has
; succeeded. Never anything between, never a changed selection.

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
