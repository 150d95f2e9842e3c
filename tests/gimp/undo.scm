; SPDX-License-Identifier: GPL-3.0-or-later
;
; One step of Undo takes back all that a run did, and Redo brings it again. undo.sh presses the keys when the file "press" says so.

(define layer #f)
(define image #f)
(define window #f)

; Asks for a key and waits until it was pressed and GIMP had time for it.
(define (press key done?)
  (let ((port (open-output-file (string-append folder "/press"))))
    (display key port)
    (close-output-port port))
  (let wait ((n 0))
    (cond ((and (not (file-exists? (string-append folder "/press"))) (done?)) #t)
          ((> n 150) (error "nothing came of pressing" key))
          (else (usleep 100000) (wait (+ n 1))))))

(define (but-selected state) (list (car state) (cadr state) (caddr state) (cadddr state) (list-tail state 5)))

(define (soft layer) (select-soft layer 20 12 24 20))
(define (nothing layer) #t)

(define (try what select procedure . more)
  (set! layer (new-picture 70 50 RGB RGBA-IMAGE PRECISION-FLOAT-NON-LINEAR))
  (set! image (gimp-item-get-image layer))
  (paint layer "random")
  (select layer)
  (gimp-image-clean-all image)
  (set! window (gimp-display-new image))
  (let ((before (state image)))
    (apply procedure (append (list #:image image #:drawables (vector layer) #:seed 1 #:steps 2) more))
    (let ((after (state image)))
      (check (list what 'changed) (not (equal? before after)))
      (check-equal (list what 'selected) (gimp-selection-is-empty image) (eq? select nothing))
      (press "ctrl+z" (lambda () (equal? (state image) before)))
      ; Redo of a new layer selects it: that is GIMP's way with all layers
      (press "ctrl+y" (lambda () (equal? (but-selected (state image)) (but-selected after))))
      (press "ctrl+z" (lambda () (equal? (state image) before)))))
  (gimp-display-delete window))

(try "replace" soft plug-in-sfumato-fill #:output "replace")
(try "new-layer" soft plug-in-sfumato-fill #:candidates 2)
(try "expand" soft plug-in-sfumato-expand #:left 5 #:top 3 #:output "replace")
(try "expand, nothing selected" nothing plug-in-sfumato-expand #:bottom 6 #:output "replace")
(try "expand new-layer" soft plug-in-sfumato-expand #:right 5)
(try "network" soft plug-in-sfumato-regenerate #:model "plain" #:output "replace")
(try "generate" soft plug-in-sfumato-generate #:width 90 #:height 40 #:output "replace")
