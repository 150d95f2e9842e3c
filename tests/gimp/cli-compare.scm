; SPDX-License-Identifier: GPL-3.0-or-later
;
; Second half of cli.sh: the command line made the same pixels, bit for bit.

(define (pixels name)
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE (string-append folder "/" name)))
         (sum (digest (vector-ref (gimp-image-get-layers image) 0))))
    (gimp-image-delete image)
    sum))
(for-each (lambda (task) (check-equal task (pixels (string-append "cli-" task ".png")) (pixels (string-append task ".png"))))
          '("fill" "regenerate" "expand"))
