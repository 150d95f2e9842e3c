; SPDX-License-Identifier: GPL-3.0-or-later
;
; Generate: a new picture from an example.

(define layer (rgb-picture 48 40))
(define image (gimp-item-get-image layer))
(define (generate . more)
  (apply plug-in-sfumato-generate (append (list #:image image #:drawables (vector layer) #:seed 1 #:steps 2) more)))
(define (size layer) (list (gimp-drawable-get-width layer) (gimp-drawable-get-height layer)))

; the image's size, in a new layer; the example stays
(let* ((before (digest layer)) (new (made (generate))))
  (check-equal 'size (size new) '(48 40))
  (check-equal 'mask (gimp-layer-get-mask new) -1)
  (check-equal 'example (digest layer) before)
  (gimp-image-remove-layer image new))

; any size, in an image of its own
(let* ((before (state image)) (new (made (generate #:width 70 #:height 33 #:output "new-image"))))
  (check-equal 'size (size new) '(70 33))
  (check-equal 'canvas (gimp-image-get-width (gimp-item-get-image new)) 70)
  (check-equal 'original (state image) before)
  (gimp-image-delete (gimp-item-get-image new)))

; seamless: across the edge rows differ no more than next to it
(define (step layer x1 y1 x2 y2)
  (apply + (map (lambda (a b) (abs (- a b))) (gimp-drawable-get-pixel layer x1 y1) (gimp-drawable-get-pixel layer x2 y2))))
(define (seam layer)              ; between the right and the left edge, summed over the rows
  (let ((right (- (gimp-drawable-get-width layer) 1)))
    (let loop ((y 0) (sum 0))
      (if (< y (gimp-drawable-get-height layer)) (loop (+ y 1) (+ sum (step layer right y 0 y))) sum))))
(define (interior layer)          ; the same between two columns in the middle
  (let loop ((y 0) (sum 0))
    (if (< y (gimp-drawable-get-height layer)) (loop (+ y 1) (+ sum (step layer 20 y 21 y))) sum)))
(let ((new (made (generate #:tileable "both" #:steps 6))))
  (check (list 'seam (seam new) (interior new)) (<= (seam new) (+ 400 (* 3 (interior new)))))
  (gimp-image-remove-layer image new))

; each argument acts
(try layer plug-in-sfumato-generate '(#:width 60 #:height 50)
  '(#:width 61) '(#:height 51) '(#:tileable "horizontal") '(#:tileable "vertical") '(#:tileable "both")
  '(#:steps 20) '(#:seed 2) '(#:candidates 2) '(#:sampler "euler") '(#:schedule "karras") '(#:eta 0))
(same layer plug-in-sfumato-generate '(#:width 60 #:height 50) '(#:guidance 30))

; the example is the box around the selection; the layer itself is replaced and takes the new size
(select layer 0 0 24 20)
(check-equal 'replaced (made (generate #:width 30 #:height 50 #:output "replace")) layer)
(check-equal 'size (size layer) '(30 50))
(gimp-image-delete image)

; with no image there is no example
(fails "Open a picture" (plug-in-sfumato-generate #:image -1 #:drawables (vector)))
