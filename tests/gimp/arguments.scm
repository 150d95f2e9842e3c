; SPDX-License-Identifier: GPL-3.0-or-later
;
; Each argument acts, and nothing but them does: the same call gives the same pixels.

(define layer (photo "meadow.jpg" 120 90))
(define image (gimp-item-get-image layer))
(select-soft layer 30 20 36 30)

; The pixels and the mask that a run makes.
(define (result-of procedure . more)
  (let* ((new (made (apply procedure (append (list #:image image #:drawables (vector layer) #:seed 1 #:steps 8) more))))
         (mask (gimp-layer-get-mask new))
         (digest (string-append (digest new) (if (= mask -1) "" (digest mask)))))
    (gimp-image-remove-layer image new)
    digest))

(define plain #f)
(define procedure #f)
(define (take p) (set! procedure p) (set! plain (result-of p)))
(define (acts . more) (check (cons 'acts more) (not (string=? plain (apply result-of procedure more)))))

(take plug-in-sfumato-regenerate)
(check-equal 'repeat (result-of plug-in-sfumato-regenerate) plain)
(check-equal 'default (result-of plug-in-sfumato-regenerate #:model "patch" #:prompt "" #:strength 0.6 #:sampler "auto" #:feather -1) plain)
(acts #:strength 0.9)
(acts #:steps 20)
(acts #:sampler "heun")
(acts #:sampler "ddim" #:eta 0)
(acts #:schedule "cosine")
(acts #:seed 2)
(acts #:feather 9)
(acts #:respect-selection FALSE)

(take plug-in-sfumato-fill)
(acts #:steps 20)
(acts #:sampler "heun")
(acts #:schedule "karras")
(acts #:seed 2)
(acts #:feather 9)

(take plug-in-sfumato-generate)
(acts #:seed 2)
(acts #:width 50)
(acts #:height 50)
(acts #:tileable "both")

; strength 0 is the input, bit for bit
(let ((before (digest layer)))
  (plug-in-sfumato-regenerate #:image image #:drawables (vector layer) #:strength 0 #:output "replace")
  (check-equal 'nothing (digest layer) before))

; -1 draws a seed, which is told: with it the result repeats
(let* ((result (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed -1 #:steps 3))
       (told (digest (made result)))
       (again (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed (seed-of result) #:steps 3))
       (other (plug-in-sfumato-fill #:image image #:drawables (vector layer) #:seed -1 #:steps 3)))
  (check-equal 'told (digest (made again)) told)
  (check 'random (not (= (seed-of other) (seed-of result)))))

; by position, in the promised order, with nothing but the first given
(let ((new (plug-in-sfumato-fill RUN-NONINTERACTIVE image (vector layer) "patch" "" "" 3 "euler" "linear" 1.0 7.5 77)))
  (check 'position (contains? (settings-of (made new)) "\"sampler\": \"euler\", \"schedule\": \"linear\", \"eta\": 1, \"guidance\": 7.5, \"seed\": 77")))

; Repeat (Ctrl+F) from a script with nothing stored takes what is given
(let ((new (plug-in-sfumato-fill #:run-mode RUN-WITH-LAST-VALS #:image image #:drawables (vector layer) #:seed 9 #:steps 2)))
  (check-equal 'repeat (seed-of new) 9))
(gimp-image-delete image)
