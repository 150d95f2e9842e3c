/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Floating point operations per second, as contexts count them, of a convolution as networks are mostly made of: by the ops that they are run
 * with and with all threads, timed once per process in some milliseconds.  0 where there is no memory to tell. */
double sf_conv_speed (void);
