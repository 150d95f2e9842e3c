; SPDX-License-Identifier: GPL-3.0-or-later
;
; Two runs at once, on two layers of one image: each gets what it would have got alone.

(define layer (rgb-picture 120 90))
(define image (gimp-item-get-image layer))
(define second (gimp-layer-copy layer))
(gimp-image-insert-layer image second 0 0)
(select layer 30 20 60 40)

(define (fill layer seed) (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed seed))
(define alone-1 (digest (made (fill layer 1))))
(define alone-2 (digest (made (fill second 2))))
(for-each (lambda (l) (if (gimp-layer-get-mask l) (if (not (memv l (list layer second))) (gimp-image-remove-layer image l)))) (layers image))

(later "run" second 50)          ; with seed 2
(define together-1 (made (fill layer 1)))
; The other one may need a little longer; until it is over the probe, which has called it, is to be left in peace.
(let wait ((n 0))
  (if (and (< n 300) (< (length (layers image)) 4)) (begin (usleep 100000) (wait (+ n 1)))))
(usleep 1000000)
(check-equal 'layers (length (layers image)) 4)
(check-equal 'first (digest together-1) alone-1)
(check 'second (member alone-2 (map digest (layers image))))
(gimp-image-delete image)
