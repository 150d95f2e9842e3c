; SPDX-License-Identifier: GPL-3.0-or-later
;
; What can happen to an image while we compute: the run ends with an error and changes nothing more.

(define layer #f)
(define image #f)
(define (open)
  (set! layer (rgb-picture 160 120))
  (set! image (gimp-item-get-image layer))
  (select layer 30 20 100 80))
; long enough for everything below to happen first
(define (fill) (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 100 #:output "replace"))

(define (meanwhile what words)
  (open)
  (let ((before (digest layer)))
    (later what layer 1200)
    (fails words (fill))
    (if (not (string=? what "delete-image"))
        (begin
          (if (not (or (string=? what "delete-layer") (string=? what "resize-layer")))
              (check-equal (list what 'unchanged) (digest layer) before))
          (check-equal (list what 'channels) (vector-length (gimp-image-get-channels image)) 0)
          (gimp-image-delete image)))))

(meanwhile "delete-layer" "does not exist any more")
(meanwhile "resize-layer" "changed meanwhile")
(meanwhile "resize-image" "changed meanwhile")
(meanwhile "move-layer" "moved meanwhile")
(meanwhile "lock" "locked")
