/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that the plug-in, the dialogs and the command-line tool need, and nothing else. */
#pragma once

#include "base/sf-parallel.h"
#include "denoisers/sf-catalogue.h"
#include "denoisers/sf-engine.h"
#include "denoisers/sf-gamma-file.h"
#include "denoisers/sf-model.h"
#include "denoisers/sf-model-cost.h"
#include "denoisers/sf-model-gamma.h"
#include "denoisers/sf-model-share.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-mixture.h"
#include "diffusion/sf-schedule.h"
#include "diffusion/sf-trial.h"
#include "pipeline/sf-job.h"
#include "pipeline/sf-settings.h"
