/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that tell something and make no picture.  @arguments: the words behind the command's name. */
#pragma once

#include <glib.h>

/* sfumato list FAMILY */
gboolean sf_list (char **arguments, GError **error);
/* sfumato bench samplers FOLDER */
gboolean sf_bench (char **arguments, GError **error);
/* sfumato estimate-gamma MODEL PICTURE… */
gboolean sf_gamma (char **arguments, GError **error);
/* sfumato info MODEL|PICTURE */
gboolean sf_info (char **arguments, GError **error);
