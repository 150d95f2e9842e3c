/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of models for tests: a folder that vanishes at the end, descriptions as text, and the smallest networks with random weights. */
#pragma once

#include <glib.h>

/* Makes the folder, and keeps the user's own models out of the test. */
void files_begin (void);
void files_end (void);
/* Writes into @path instead, and leaves it there. */
void files_begin_in (const char *path);

/* (transfer full): a path in the folder. */
char *files_path (const char *name);
/* Writes @text, and makes the folders on the way. */
void files_write (const char *name, const char *text);
void files_remove (const char *name);

typedef struct
{
  int in, out;      /* channels; 0 = 3 */
  int classes;      /* 0 = unconditional */
  int side;         /* of its pictures; 0 = 8 */
  gboolean broken;  /* one of its numbers is none */
  const char *extra; /* (nullable): an array that no network knows */
} NetShape;

/* A UNet2DModel of one resolution with 8 channels, and its config.json. */
void files_write_unet2d (const char *name, const NetShape *shape);
void files_write_unet2d_config (const char *name, const NetShape *shape);
/* A network of guided-diffusion of one resolution with 32 channels, and how many numbers are in it. */
gsize files_write_adm (const char *name, const NetShape *shape);
/* A classifier of guided-diffusion that takes any size. */
void files_write_adm_classifier (const char *name, const NetShape *shape);
