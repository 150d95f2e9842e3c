; SPDX-License-Identifier: GPL-3.0-or-later
;
; An error that nobody catches ends the batch with GIMP's exit status 70 and the message on stderr.

(define layer (rgb-picture 40 30))
(plug-in-sfumato-fill #:image (gimp-item-get-image layer) #:drawables (vector layer))
