; SPDX-License-Identifier: GPL-3.0-or-later
;
; What the tests share. Loaded before each of them.

(script-fu-use-v3)

; ---- asserting ----

(define (check what ok)
  (if (not ok) (error what "FAILED")))

(define (check-equal what got wanted)
  (if (not (equal? got wanted))
      (begin (display (list what 'got got 'wanted wanted)) (newline)
             (error what "FAILED"))))

; The text of the last error, which Script-Fu's own handler forgets.
(define last-error "")
(set! *error-hook*
      (lambda x
        (set! last-error (if (string? (car x)) (car x) ""))
        (apply throw x)))

(define (contains? text part)
  (let ((n (string-length part)))
    (let loop ((i 0))
      (cond ((> (+ i n) (string-length text)) #f)
            ((string=? (substring text i (+ i n)) part) #t)
            (else (loop (+ i 1)))))))

; (fails "words" expression): the expression ends with an error that has these words
(define-macro (fails words expression)
  `(let ((result (catch 'failed ,expression)))
     (if (not (eq? result 'failed)) (error "did not fail, but should have said" ,words))
     (if (not (contains? last-error ,words))
         (begin (display last-error) (newline) (error "failed with other words than" ,words)))))

; ---- pictures ----

; A picture with something in it: stripes and spots, drawn so that no file is needed.
(define (draw layer)
  (let ((w (gimp-drawable-get-width layer)) (h (gimp-drawable-get-height layer)) (image (gimp-item-get-image layer)))
    (gimp-context-push)
    (gimp-context-set-foreground '(60 110 70))
    (gimp-drawable-edit-fill layer FILL-FOREGROUND)
    (let loop ((y 0) (i 0))
      (if (< y h)
          (begin
            (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 y w 3)
            (gimp-context-set-foreground (list (modulo (* i 61) 256) (modulo (* i 37) 256) 90))
            (gimp-drawable-edit-fill layer FILL-FOREGROUND)
            (loop (+ y 7) (+ i 1)))))
    (gimp-selection-none image)
    (gimp-context-pop)))

; (new-picture 96 72 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR) gives the layer
(define (new-picture w h base type precision)
  (let* ((image (gimp-image-new-with-precision w h base precision))
         (layer (gimp-layer-new image "picture" w h type 100 LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image layer 0 0)
    (draw layer)
    layer))

(define (rgb-picture w h) (new-picture w h RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))

; A photograph, made so small that runs are quick.
(define (photo name w h)
  (let ((image (gimp-file-load RUN-NONINTERACTIVE (string-append data-folder "/images/" name))))
    (gimp-image-scale image w h)
    (vector-ref (gimp-image-get-layers image) 0)))

(define (select layer x y w h)
  (gimp-image-select-rectangle (gimp-item-get-image layer) CHANNEL-OP-REPLACE x y w h))

; A soft-edged selection.
(define (select-soft layer x y w h)
  (gimp-image-select-ellipse (gimp-item-get-image layer) CHANNEL-OP-REPLACE x y w h)
  (gimp-selection-feather (gimp-item-get-image layer) 6))

; ---- what there is ----

(define (digest drawable) (sf-probe-digest #:drawable drawable))
(define (compare a b) (sf-probe-compare #:drawable a #:other b))
(define (paint layer kind) (sf-probe-paint #:drawable layer #:kind kind))
(define (later what layer when) (sf-probe-later #:drawable layer #:what what #:when when))

(define (layers image) (vector->list (gimp-image-get-layers image)))
(define (names image) (map gimp-item-get-name (layers image)))

; Everything that a run could have changed: layers with their pixels, places and names; size, selection, what is selected.
(define (state image)
  (list (map (lambda (l) (list l (gimp-item-get-name l) (gimp-drawable-get-offsets l) (digest l)
                               (gimp-item-get-visible l) (gimp-item-get-parasite-list l)))
             (filter-list (lambda (l) (not (gimp-item-is-group l))) (layers image)))
        (layers image)
        (gimp-image-get-width image) (gimp-image-get-height image)
        (gimp-image-get-selected-layers image)
        (vector-length (gimp-image-get-channels image))
        (digest (gimp-image-get-selection image))))

(define (filter-list keep? list)
  (cond ((null? list) '())
        ((keep? (car list)) (cons (car list) (filter-list keep? (cdr list))))
        (else (filter-list keep? (cdr list)))))

(define (settings-of layer) (caddr (gimp-item-get-parasite layer "sfumato")))

; The layer (or the first of them) that a run returned, and the seed.
(define (made result) (vector-ref (car result) 0))
(define (seed-of result) (cadr result))

; ---- one argument at a time ----

(define (run layer procedure arguments)
  (apply procedure (append (list #:image (gimp-item-get-image layer) #:drawables (vector layer) #:seed 1 #:steps 8) arguments)))

; Place, pixels and mask.
(define (look layer)
  (let ((mask (gimp-layer-get-mask layer)))
    (list (gimp-drawable-get-offsets layer) (digest layer) (if (= mask -1) #f (digest mask)))))

; The looks of what a run makes, in the order of the candidates; the image is as before.
(define (result-of layer procedure arguments)
  (let* ((image (gimp-item-get-image layer)) (width (gimp-image-get-width image)) (height (gimp-image-get-height image))
         (before (gimp-drawable-get-offsets layer))
         (new (vector->list (car (run layer procedure arguments))))
         (looks (map look new))
         (after (gimp-drawable-get-offsets layer)))
    (for-each (lambda (l) (gimp-image-remove-layer image l)) new)
    (gimp-image-resize image width height (- (car before) (car after)) (- (cadr before) (cadr after)))
    looks))

; The same call gives the same; with GIVEN, each of CHANGES alone makes another result …
(define (try layer procedure given . changes)
  (let ((plain (result-of layer procedure given)))
    (check-equal (list 'repeat given) (result-of layer procedure given) plain)
    (for-each (lambda (change) (check (cons 'acts (append given change)) (not (equal? (result-of layer procedure (append given change)) plain))))
              changes)))

; … or the same.
(define (same layer procedure given . changes)
  (let ((plain (result-of layer procedure given)))
    (for-each (lambda (change) (check-equal (cons 'same (append given change)) (result-of layer procedure (append given change)) plain))
              changes)))
