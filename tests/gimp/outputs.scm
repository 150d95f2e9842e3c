; SPDX-License-Identifier: GPL-3.0-or-later
;
; Where results go: a new layer with a mask, the layer itself, a new image; one candidate or several; layers that lie anywhere.

(define layer (rgb-picture 80 60))
(define image (gimp-item-get-image layer))
(gimp-layer-set-offsets layer 5 -3)
(gimp-image-resize image 100 70 0 0)
(define top (gimp-layer-new image "top" 30 30 RGBA-IMAGE 100 LAYER-MODE-NORMAL))
(gimp-image-insert-layer image top 0 0)
(gimp-image-set-selected-layers image (vector layer))
(select-soft layer 30 15 20 20)
(define selection (digest (gimp-image-get-selection image)))

(define (as-before what)
  (check-equal (list what 'selection) (digest (gimp-image-get-selection image)) selection)
  (check-equal (list what 'selected) (gimp-image-get-selected-layers image) (vector layer))
  (check-equal (list what 'channels) (vector-length (gimp-image-get-channels image)) 0))

; ---- a new layer, directly above ----

(let* ((before (digest layer))
       (result (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 41 #:steps 2))
       (new (made result)))
  (check-equal 'seed (seed-of result) 41)
  (check-equal 'count (vector-length (car result)) 1)
  (check-equal 'order (layers image) (list top new layer))
  (check-equal 'below (digest layer) before)
  (check 'mask (gimp-item-id-is-layer-mask (gimp-layer-get-mask new)))
  (check-equal 'edit-mask (gimp-layer-get-edit-mask new) #f)
  (check 'name (contains? (gimp-item-get-name new) "41"))
  (check 'parasite (contains? (settings-of new) "\"seed\": 41"))
  (as-before 'new-layer)
  (gimp-image-remove-layer image new))

; ---- several candidates: one layer each, returned in their order; only the best one, on top, is visible ----

(paint layer "random")
(let* ((result (plug-in-sfumato-regenerate #:image image #:drawables (vector layer) #:seed 5 #:candidates 3 #:steps 2 #:strength 0.5))
       (new (vector->list (car result))))
  (check-equal 'count (length new) 3)
  (for-each (lambda (l seed i)
              (check (list 'name i) (contains? (gimp-item-get-name l) seed))
              (check (list 'strength i) (contains? (gimp-item-get-name l) "50 %"))
              (check (list 'candidate i) (contains? (settings-of l) (string-append "\"candidate\": " (number->string i)))))
            new '("5" "6" "7") '(0 1 2))
  (check-equal 'visible (map gimp-item-get-visible (cdr (layers image))) '(#t #f #f #t))
  (check-equal 'last (list-ref (layers image) 4) layer)
  (check 'differ (not (string=? (digest (car new)) (digest (cadr new)))))
  (as-before 'candidates)
  (for-each (lambda (l) (gimp-image-remove-layer image l)) new))

; ---- what is made later lies on what was made before, but not on other layers ----

(let* ((first (made (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 1 #:steps 2)))
       (second (made (plug-in-sfumato-regenerate #:image image #:drawables (vector layer) #:seed 2 #:steps 2)))
       (third (vector->list (car (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 3 #:steps 2 #:candidates 2)))))
  (check-equal 'top (car (layers image)) top)
  (check 'third (memv (cadr (layers image)) third))
  (check 'third (memv (caddr (layers image)) third))
  (check-equal 'second (list-tail (layers image) 3) (list second first layer))
  (for-each (lambda (l) (gimp-image-remove-layer image l)) (append third (list second first))))

; ---- a new image: the original stays, the new one holds the whole picture; the same pixels as with "replace" ----

(let* ((before (state image))
       (result (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 3 #:steps 2 #:output "new-image"))
       (new (made result))
       (new-image (gimp-item-get-image new)))
  (check-equal 'original (state image) before)
  (check 'other (not (= new-image image)))
  (check-equal 'size (list (gimp-image-get-width new-image) (gimp-image-get-height new-image)) '(80 60))

  ; ---- the layer itself ----
  (let* ((name (gimp-item-get-name layer))
         (result (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 3 #:steps 2 #:output "replace")))
    (check-equal 'same-layer (made result) layer)
    (check-equal 'order (layers image) (list top layer))
    (check-equal 'name (gimp-item-get-name layer) name)
    (check-equal 'pixels (digest layer) (digest new))
    (check 'parasite (contains? (settings-of layer) "\"seed\": 3"))
    (as-before 'replace))
  (gimp-image-delete new-image))

; ---- all that is visible instead of the layer ----

(gimp-context-set-foreground '(255 0 0))
(gimp-selection-none image)
(gimp-drawable-edit-fill top FILL-FOREGROUND)
(gimp-image-resize image 30 30 0 0)
(gimp-layer-resize-to-image-size layer)
(select layer 10 10 8 8)
(define merged (made (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 3 #:steps 2 #:sample-merged TRUE)))
(define x (quotient (gimp-drawable-get-width merged) 2))
(check-equal 'merged (gimp-drawable-get-pixel merged x x) '(255 0 0 255))

; ---- in a layer group ----

(define group (gimp-group-layer-new image "group"))
(gimp-image-insert-layer image group 0 0)
(gimp-image-reorder-item image layer group 0)
(define inside (made (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed 3 #:steps 2)))
(check-equal 'parent (gimp-item-get-parent inside) group)
(check-equal 'children (vector->list (gimp-item-get-children group)) (list inside layer))

; ---- locked alpha stays ----

(define clear (new-picture 40 40 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
(select clear 15 15 8 8)
(gimp-drawable-edit-clear clear)
(gimp-layer-set-lock-alpha clear TRUE)
(plug-in-sfumato-fill #:image (gimp-item-get-image clear) #:drawables (vector clear) #:steps 2 #:output "replace")
(check-equal 'lock-alpha (cadddr (gimp-drawable-get-pixel clear 18 18)) 0)
(gimp-layer-set-lock-alpha clear FALSE)
(plug-in-sfumato-fill #:image (gimp-item-get-image clear) #:drawables (vector clear) #:steps 2 #:output "replace")
(check-equal 'alpha (cadddr (gimp-drawable-get-pixel clear 18 18)) 255)

(gimp-image-delete (gimp-item-get-image clear))
(gimp-image-delete image)
