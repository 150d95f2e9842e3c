; SPDX-License-Identifier: GPL-3.0-or-later
;
; The demonstration, as GIMP runs it: tools/demo defines demo-images and demo-out and loads this file.
; An ellipse of a photograph is filled from its surroundings, one of another is re-imagined.

(script-fu-use-v3)

(define (demo-file name) (string-append demo-out "/" name))

(define (demo-save image name)
  (file-png-export #:run-mode RUN-NONINTERACTIVE #:image image #:file (demo-file name) #:options -1
                   #:compression 3))

; White where the selection is, black elsewhere.
(define (demo-save-selection image name)
  (let* ((copy (gimp-image-duplicate image))
         (layer (gimp-image-flatten copy)))
    (gimp-context-push)
    (gimp-context-set-foreground '(0 0 0))
    (gimp-drawable-edit-fill layer FILL-WHITE)
    (gimp-selection-invert copy)
    (gimp-drawable-edit-fill layer FILL-FOREGROUND)
    (gimp-context-pop)
    (gimp-image-convert-grayscale copy)
    (demo-save copy name)
    (gimp-image-delete copy)))

; Two saved pictures next to each other.
(define (demo-save-pair left right name)
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE (demo-file left)))
         (width (gimp-image-get-width image))
         (layer (gimp-file-load-layer RUN-NONINTERACTIVE image (demo-file right))))
    (gimp-image-insert-layer image layer -1 0)
    (gimp-layer-set-offsets layer (+ width 16) 0)
    (gimp-image-resize-to-layers image)
    (demo-save image name)
    (gimp-image-delete image)))

; job is called with the image and its drawables, the ellipse being selected.
(define (demo-run picture prefix x y width height job)
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE (string-append demo-images "/" picture)))
         (drawables (gimp-image-get-selected-drawables image)))
    (demo-save image (string-append prefix "before.png"))
    (gimp-image-select-ellipse image CHANNEL-OP-REPLACE x y width height)
    (demo-save-selection image (string-append prefix "mask.png"))
    (job image drawables)
    (gimp-file-save RUN-NONINTERACTIVE image (demo-file (string-append prefix "result.xcf")) -1)
    (demo-save image (string-append prefix "after.png"))
    (gimp-image-delete image)
    (demo-save-pair (string-append prefix "before.png") (string-append prefix "after.png")
                    (string-append prefix "side-by-side.png"))))

(demo-run "ladybird.jpg" "" 822 340 150 162
  (lambda (image drawables)
    (plug-in-sfumato-fill #:run-mode RUN-NONINTERACTIVE #:image image #:drawables drawables
                          #:seed 7 #:output "new-layer")))

(demo-run "meadow.jpg" "meadow-" 400 240 240 300
  (lambda (image drawables)
    (plug-in-sfumato-regenerate #:run-mode RUN-NONINTERACTIVE #:image image #:drawables drawables
                                #:strength 0.6 #:seed 7 #:output "new-layer")))
