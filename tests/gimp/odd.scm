; SPDX-License-Identifier: GPL-3.0-or-later
;
; Pictures at the edge of what is possible. Each either works or says why not; none may crash or change a pixel outside of the
; selection.

(define (works layer procedure . more)
  (let* ((image (gimp-item-get-image layer)) (before (gimp-layer-copy layer)))
    (apply procedure (append (list #:image image #:drawables (vector layer) #:seed 1 #:steps 2 #:output "replace") more))
    (check-equal 'outside (cadr (compare layer before)) 0)
    (gimp-item-delete before)))
(define (done layer) (gimp-image-delete (gimp-item-get-image layer)))

; one selected pixel
(let ((layer (rgb-picture 40 30)))
  (select layer 20 15 1 1)
  (works layer plug-in-sfumato-fill)
  (works layer plug-in-sfumato-regenerate)
  (done layer))

; a layer of one pixel, of one row, of one column, smaller than a patch: nothing to continue from
(for-each
  (lambda (size)
    (let* ((layer (rgb-picture (car size) (cadr size))) (before (digest layer)) (image (gimp-item-get-image layer)))
      (select layer 0 0 1 1)
      (fails "surroundings" (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:output "replace"))
      (check-equal (list 'unchanged size) (digest layer) before)
      (done layer)))
  '((1 1)))
(for-each
  (lambda (size)
    (let* ((layer (rgb-picture (car size) (cadr size))) (before (digest layer)) (image (gimp-item-get-image layer)))
      (select layer 0 0 1 1)
      (fails "too little" (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:output "replace"))
      (check-equal (list 'unchanged size) (digest layer) before)
      (done layer)))
  '((1 30) (30 1) (2 2) (3 3)))

; a long strip
(let ((layer (rgb-picture 300 30000)))
  (select layer 100 15000 40 30)
  (works layer plug-in-sfumato-fill)
  (done layer))

; numbers that are none
(let ((layer (new-picture 40 30 RGB RGBA-IMAGE PRECISION-FLOAT-LINEAR)))
  (paint layer "nan")
  (select layer 12 10 10 8)
  (works layer plug-in-sfumato-fill)
  (works layer plug-in-sfumato-regenerate)
  (done layer))

; nothing visible
(let* ((layer (new-picture 40 30 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR)) (image (gimp-item-get-image layer)))
  (paint layer "clear")
  (select layer 12 10 10 8)
  (fails "transparent" (plug-in-sfumato-fill #:image image #:drawables (vector layer)))
  ; a visible selection with nothing around it
  (gimp-drawable-edit-fill layer FILL-FOREGROUND)
  (fails "transparent" (plug-in-sfumato-fill #:image image #:drawables (vector layer)))
  (done layer))

; a selection that sticks out of the layer
(let ((layer (rgb-picture 40 30)))
  (gimp-image-resize (gimp-item-get-image layer) 60 50 10 10)
  (select layer 30 20 30 30)
  (works layer plug-in-sfumato-fill)
  (done layer))
