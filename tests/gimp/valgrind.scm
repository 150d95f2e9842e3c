; SPDX-License-Identifier: GPL-3.0-or-later
;
; A small job for valgrind.sh.

(define layer (rgb-picture 48 36))
(define image (gimp-item-get-image layer))
(select-soft layer 16 12 14 12)
(plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 2 #:candidates 2)
(gimp-image-delete image)
(let wait ((n 0))
  (if (and (< n 1000) (not (file-exists? (string-append folder "/done"))))
      (begin (usleep 100000) (wait (+ n 1)))))
