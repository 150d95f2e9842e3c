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
(define (fill) (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 40 #:output "replace"))

(define (meanwhile what words)
  (open)
  (let ((before (digest layer)))
    (later what layer 100)
    (fails words (fill))
    (if (not (or (string=? what "delete-layer") (string=? what "resize-layer")))
        (check-equal (list what 'unchanged) (digest layer) before))
    (check-equal (list what 'channels) (vector-length (gimp-image-get-channels image)) 0)
    (gimp-image-delete image)))

(meanwhile "delete-layer" "does not exist any more")
(meanwhile "resize-layer" "changed meanwhile")
(meanwhile "resize-image" "changed meanwhile")
(meanwhile "move-layer" "moved meanwhile")
(meanwhile "lock" "locked")

; An image that is deleted meanwhile lives on until the script's call is over, so that there is no error. (With another output GIMP
; 3.0 breaks down itself, whatever the plug-in: arrays of layers that a procedure returns do not keep their image.)
(open)
(later "delete-image" layer 100)
(let ((new (made (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 40 #:output "new-image"))))
  (check 'deleted (not (gimp-image-id-is-valid image)))
  (check-equal 'size (gimp-drawable-get-width new) 160)
  (gimp-image-delete (gimp-item-get-image new)))
