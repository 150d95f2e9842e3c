; SPDX-License-Identifier: GPL-3.0-or-later
;
; Every precision, RGB and gray, with and without alpha: what is outside of the selection is the same in every bit, what is inside
; is not, and the selection itself is as before.

(define (try-picture base type precision)
  (let* ((layer (new-picture 48 40 base type precision))
         (image (gimp-item-get-image layer)))
    (paint layer "random")
    (select-soft layer 10 8 24 20)
    (let* ((before (gimp-layer-copy layer))
           (selection (digest (gimp-image-get-selection image)))
           (what (list 'base base 'type type 'precision precision)))
      (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 2 #:output "replace")
      (let ((changed (compare layer before)))
        (check-equal (list what 'outside) (cadr changed) 0)
        (check (list what 'inside changed) (> (car changed) 50)))
      (check-equal (list what 'selection) (digest (gimp-image-get-selection image)) selection)
      (check-equal (list what 'channels) (vector-length (gimp-image-get-channels image)) 0)
      (check-equal (list what 'selected) (gimp-image-get-selected-layers image) (vector layer))
      (gimp-image-delete image))))

(for-each
  (lambda (precision)
    (try-picture RGB RGB-IMAGE precision)
    (try-picture GRAY GRAYA-IMAGE precision))
  (list PRECISION-U8-NON-LINEAR PRECISION-U8-LINEAR PRECISION-U16-NON-LINEAR PRECISION-HALF-LINEAR PRECISION-HALF-NON-LINEAR
        PRECISION-FLOAT-LINEAR PRECISION-FLOAT-NON-LINEAR PRECISION-DOUBLE-LINEAR))
(try-picture RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR)
(try-picture RGB RGBA-IMAGE PRECISION-FLOAT-LINEAR)
(try-picture GRAY GRAY-IMAGE PRECISION-U8-NON-LINEAR)
(try-picture GRAY GRAY-IMAGE PRECISION-U32-LINEAR)
