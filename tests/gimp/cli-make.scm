; SPDX-License-Identifier: GPL-3.0-or-later
;
; First half of cli.sh: a picture, a mask of the same selection, and what the plug-in makes of them.

(define layer (photo "coffee.png" 150 100))
(define image (gimp-item-get-image layer))
(define (save name) (file-png-export #:run-mode RUN-NONINTERACTIVE #:image image #:file (string-append folder "/" name) #:options -1))
(save "in.png")
(select layer 60 35 30 28)
(plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 7 #:steps 4 #:output "replace")
(save "fill.png")
(plug-in-sfumato-regenerate #:image image #:drawables (vector layer) #:seed 8 #:steps 6 #:strength 0.5 #:sampler "heun" #:output "replace")
(save "regenerate.png")
(gimp-selection-none image)
(plug-in-sfumato-expand #:image image #:drawables (vector layer) #:seed 9 #:steps 4 #:left 20 #:output "replace")
(save "expand.png")
(gimp-image-delete image)

(define mask (new-picture 150 100 GRAY GRAY-IMAGE PRECISION-U8-NON-LINEAR))
(set! image (gimp-item-get-image mask))
(gimp-context-set-foreground '(0 0 0))
(gimp-drawable-fill mask FILL-FOREGROUND)
(select mask 60 35 30 28)
(gimp-drawable-edit-fill mask FILL-WHITE)
(gimp-selection-none image)
(save "mask.png")
(gimp-image-delete image)
