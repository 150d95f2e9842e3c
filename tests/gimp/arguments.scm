; SPDX-License-Identifier: GPL-3.0-or-later
;
; Each argument acts, one at a time, and nothing but them does: the same call gives the same pixels.

(define layer (photo "meadow.jpg" 80 60))
(define image (gimp-item-get-image layer))
(select-soft layer 22 16 26 22)

; Seen only by those who look at the whole picture.
(define sign (gimp-layer-new image "sign" 30 30 RGB-IMAGE 100 LAYER-MODE-NORMAL))
(gimp-image-insert-layer image sign 0 0)
(gimp-drawable-fill sign FILL-WHITE)

; ---- each change alone makes another result ----

(try layer plug-in-sfumato-regenerate '()
  '(#:strength 0.9) '(#:strength 0) '(#:steps 20) '(#:seed 2) '(#:candidates 2)
  '(#:sampler "euler") '(#:sampler "heun") '(#:sampler "dpmpp-2m")
  '(#:schedule "karras") '(#:schedule "linear") '(#:schedule "cosine") '(#:schedule "uniform")
  '(#:eta 0) '(#:eta 0.5)
  '(#:feather 0) '(#:feather 9) '(#:context 12) `(#:match-color ,FALSE) `(#:respect-selection ,FALSE) `(#:sample-merged ,TRUE))

(try layer plug-in-sfumato-fill '()
  '(#:steps 20) '(#:seed 2) '(#:candidates 2) '(#:sampler "euler") '(#:schedule "karras") '(#:eta 0)
  '(#:feather 9) '(#:context 12) `(#:match-color ,FALSE) `(#:respect-selection ,FALSE) `(#:sample-merged ,TRUE))

; With an eta of 1, DDIM and Euler ancestral take the very steps of DDPM, so each is held against one without fresh noise.
(try layer plug-in-sfumato-regenerate '(#:sampler "euler") '(#:sampler "ddim") '(#:sampler "ddpm") '(#:sampler "euler-ancestral"))
(try layer plug-in-sfumato-regenerate '(#:sampler "ddim") '(#:eta 0) '(#:eta 0.5))

; ---- what is to make no difference ----

; The defaults. Guidance is for models that read text; the others say so, and take any.
(same layer plug-in-sfumato-regenerate '()
  `(#:model "patch" #:prompt "" #:negative-prompt "" #:strength 0.6 #:sampler "auto" #:schedule "auto" #:eta 1 #:candidates 1
    #:feather -1 #:context -1 #:match-color ,TRUE #:respect-selection ,TRUE #:sample-merged ,FALSE #:output "new-layer")
  '(#:guidance 0) '(#:guidance 30))
; What auto is.
(same layer plug-in-sfumato-regenerate '() '(#:sampler "euler-ancestral") '(#:schedule "exponential"))
(same layer plug-in-sfumato-regenerate '(#:steps 0) '(#:steps 12))
; Only some samplers have an eta.
(for-each (lambda (sampler) (same layer plug-in-sfumato-regenerate (list #:sampler sampler) '(#:eta 0)))
          '("ddpm" "euler" "heun" "dpmpp-2m"))
; Of several candidates the first is the one that comes alone.
(check-equal 'first (car (result-of layer plug-in-sfumato-fill '(#:candidates 3))) (car (result-of layer plug-in-sfumato-fill '())))

; strength 0 is the input, bit for bit
(let ((before (digest layer)))
  (run layer plug-in-sfumato-regenerate '(#:strength 0 #:output "replace"))
  (check-equal 'nothing (digest layer) before))

; -1 draws a seed, which is told: with it the result repeats
(let* ((result (run layer plug-in-sfumato-fill '(#:seed -1)))
       (told (look (made result)))
       (again (run layer plug-in-sfumato-fill (list #:seed (seed-of result))))
       (other (run layer plug-in-sfumato-fill '(#:seed -1))))
  (check-equal 'told (look (made again)) told)
  (check 'random (not (= (seed-of other) (seed-of result)))))

; by position, in the promised order, with nothing but the first given
(let ((new (plug-in-sfumato-fill RUN-NONINTERACTIVE image (vector layer) "patch" "" "" 3 "euler" "linear" 1.0 7.5 77)))
  (check 'position (contains? (settings-of (made new)) "\"sampler\": \"euler\", \"schedule\": \"linear\", \"eta\": 1, \"guidance\": 7.5, \"seed\": 77")))

; Repeat (Ctrl+F) from a script with nothing stored takes what is given
(let ((new (plug-in-sfumato-fill #:run-mode RUN-WITH-LAST-VALS #:image image #:drawables (vector layer) #:seed 9 #:steps 2)))
  (check-equal 'repeat (seed-of new) 9))
(gimp-image-delete image)
