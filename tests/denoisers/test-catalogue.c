/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-catalogue.h"

#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-scheduler.h"
#include "files.h"

/* SFUMATO_MODELS is the folder "models" of the test, and one that does not exist. */
static SfCatalogue *
open_catalogue (void)
{
  g_autofree char *folder = files_path ("models"), *nowhere = files_path ("nowhere"), *path = g_strjoin (":", nowhere, folder, "", NULL);

  g_setenv ("SFUMATO_MODELS", path, TRUE);
  return sf_catalogue_new ();
}

static void
assert_path (const SfCatalogueEntry *entry, const char *name)
{
  g_autofree char *path = files_path (name);

  g_assert_nonnull (entry);
  g_assert_cmpstr (entry->path, ==, path);
}

static void
assert_refused (const SfCatalogue *catalogue, const char *model, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_catalogue_resolve (catalogue, model, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("%s: no “%s” in: %s", model, part, error->message);
}

/* Every manifest that is built in is whole: what is said in it can be read, and names other entries that exist. */
static void
test_built_in (void)
{
  g_autoptr (SfCatalogue) catalogue = open_catalogue ();

  g_assert_cmpuint (catalogue->entries->len, >, 30);
  for (guint i = 0; i < catalogue->entries->len; i++)
    {
      const SfCatalogueEntry *entry = catalogue->entries->pdata[i];
      const SfManifest *m = entry->manifest;
      g_autoptr (GError) error = NULL;

      g_assert_null (entry->fault);
      g_assert_null (entry->path);
      g_assert_cmpstr (entry->id, ==, m->id);
      g_assert_nonnull (m->repository);
      g_assert_nonnull (m->license);
      g_assert_nonnull (m->architecture);
      g_assert_cmpuint (m->parameters, >, 1000000);
      g_assert_cmpint (m->width, >=, 32);
      g_assert_cmpuint (g_strv_length (entry->missing), ==, 1);
      if (m->classifier != NULL)
        g_assert_cmpint (sf_catalogue_find (catalogue, m->classifier)->manifest->kind, ==, SF_MODEL_CLASSIFIER);
      if (m->kind == SF_MODEL_CLASSIFIER)
        continue;
      sf_scheduler_free (sf_scheduler_new (m->scheduler, m->id, &error));
      g_assert_no_error (error);
    }
}

/* The names of ImageNet's classes, at places that everybody knows. */
static void
test_classes (void)
{
  g_autoptr (SfCatalogue) catalogue = open_catalogue ();
  const SfManifest *m = sf_catalogue_find (catalogue, "guided-imagenet-256")->manifest;

  g_assert_cmpint (m->n_classes, ==, 1000);
  g_assert_cmpstr (m->classes[0], ==, "tench");
  g_assert_cmpstr (m->classes[207], ==, "golden retriever");
  g_assert_cmpstr (m->classes[281], ==, "tabby");
  g_assert_cmpstr (m->classes[999], ==, "toilet tissue");
  for (int i = 0; i < 1000; i++)
    for (int k = 0; k < i; k++)
      g_assert_cmpstr (m->classes[i], !=, m->classes[k]);
}

/* Under the names of the manifest, as a clone, in the cache of Hugging Face, with another suffix. */
static void
test_find (void)
{
  g_autoptr (SfCatalogue) catalogue = NULL;
  g_autofree char *present = NULL, *path = NULL;
  g_autoptr (GError) error = NULL;

  files_write ("models/64x64_diffusion.safetensors", "");
  files_write ("models/lsun_cat.pt", "");
  files_write ("models/ddpm-cifar10-32/config.json", "{}");
  files_write ("models/google/ddpm-cat-256/unet/config.json", "{}");
  files_write ("models/google/ddpm-cat-256/unet/diffusion_pytorch_model.bin", "");
  files_write ("models/models--google--ddpm-church-256/snapshots/abc/model_index.json", "{}");
  files_write ("models/Meine Netze – 蒲公英.pt", "");
  files_write ("models/notes.txt", "");
  files_write ("models/empty/readme", "");
  catalogue = open_catalogue ();
  assert_path (sf_catalogue_find (catalogue, "guided-imagenet-64"), "models/64x64_diffusion.safetensors");
  assert_path (sf_catalogue_find (catalogue, "guided-lsun-cat-256"), "models/lsun_cat.pt");
  assert_path (sf_catalogue_find (catalogue, "ddpm-cifar10-32"), "models/ddpm-cifar10-32");
  assert_path (sf_catalogue_find (catalogue, "ddpm-cat-256"), "models/google/ddpm-cat-256");
  assert_path (sf_catalogue_find (catalogue, "ddpm-church-256"), "models/models--google--ddpm-church-256/snapshots/abc");
  assert_path (sf_catalogue_find (catalogue, "Meine Netze – 蒲公英.pt"), "models/Meine Netze – 蒲公英.pt");
  g_assert_null (sf_catalogue_find (catalogue, "notes.txt"));
  g_assert_null (sf_catalogue_find (catalogue, "empty"));
  g_assert_cmpstr (sf_catalogue_find (catalogue, "ddpm-cifar10-32")->missing[0], ==, "diffusion_pytorch_model.safetensors");
  g_assert_null (sf_catalogue_find (catalogue, "ddpm-cat-256")->missing[0]);

  present = sf_catalogue_list_present (catalogue);
  g_assert_cmpstr (present, ==, "patch, Meine Netze – 蒲公英.pt, ddpm-cat-256, guided-imagenet-64, guided-lsun-cat-256");
  path = sf_catalogue_resolve (catalogue, "ddpm-cat-256", &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (path, "google/ddpm-cat-256"));
  assert_refused (catalogue, "ddpm-cifar10-32", "diffusion_pytorch_model.safetensors");
  assert_refused (catalogue, "guided-imagenet-512", "512x512_diffusion.pt");
  assert_refused (catalogue, "guided-imagenet-512", "openai/guided-diffusion");
  assert_refused (catalogue, "no-such-model", "ddpm-cat-256");
  assert_refused (catalogue, "", "patch");
  files_remove ("models");
}

/* A manifest of one's own goes before one that is built in; a broken one harms no other. */
static void
test_own (void)
{
  static const struct
  {
    const char *text, *part;
  } broken[] = {
    { "{", "broken.json" },
    { "[]", "object" },
    { "\xff", "broken.json" },
    { "{\"format\": \"sfumato-model\", \"kind\": \"poem\"}", "kind" },
    { "{\"format\": \"sfumato-model\", \"files\": [\"../x.pt\"]}", "files" },
    { "{\"format\": \"sfumato-model\", \"files\": 3}", "files" },
    { "{\"format\": \"sfumato-model\", \"repository\": \"../../etc\"}", "repository" },
    { "{\"format\": \"sfumato-model\", \"size\": [1, 2, 3]}", "size" },
    { "{\"format\": \"sfumato-model\", \"size\": -1}", "size" },
    { "{\"format\": \"sfumato-model\", \"classes\": \"/etc/passwd\"}", "classes" },
    { "{\"format\": \"sfumato-model\", \"classes\": \"nothing.txt\"}", "nothing.txt" },
    { "{\"format\": \"sfumato-model\", \"classes\": [1]}", "classes" },
    { "{\"format\": \"sfumato-model\", \"parameters\": \"many\"}", "parameters" },
    { "{\"format\": \"sfumato-model\", \"architecture\": []}", "architecture" },
    { "{\"format\": \"sfumato-model\", \"steps\": 1e9}", "steps" },
    { "{\"format\": \"sfumato-model\", \"trained_on\": \"cats\"}", "trained_on" },
  };
  g_autofree char *deep = g_strnfill (100000, '[');

  files_write ("models/guided-imagenet-64.json", "{\"format\": \"sfumato-model\", \"label\": \"Mine\"}");
  files_write ("models/other.json", "{\"something\": \"else\"}");
  for (gsize i = 0; i <= G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (SfCatalogue) catalogue = NULL;
      const SfCatalogueEntry *entry;

      files_write ("models/broken.json", i < G_N_ELEMENTS (broken) ? broken[i].text : deep);
      catalogue = open_catalogue ();
      entry = sf_catalogue_find (catalogue, "broken.json");
      g_assert_nonnull (entry);
      if (i < G_N_ELEMENTS (broken) && strstr (entry->fault, broken[i].part) == NULL)
        g_test_fail_printf ("%s: no “%s” in: %s", broken[i].text, broken[i].part, entry->fault);
      assert_refused (catalogue, "broken.json", entry->fault);
      g_assert_null (sf_catalogue_find (catalogue, "other"));
      g_assert_cmpstr (sf_catalogue_find (catalogue, "guided-imagenet-64")->manifest->label, ==, "Mine");
      g_assert_nonnull (sf_catalogue_find (catalogue, "guided-imagenet-128"));
    }
  files_remove ("models");
}

/* A checkpoint with a manifest beside it that has its name. */
static void
test_beside (void)
{
  g_autoptr (SfCatalogue) catalogue = NULL;

  files_write ("models/cats and dogs.json", "{\"format\": \"sfumato-model\", \"size\": [48, 32], \"classes\": [\"cat\", \"dog\"]}");
  files_write ("models/cats and dogs.safetensors", "");
  catalogue = open_catalogue ();
  assert_path (sf_catalogue_find (catalogue, "cats and dogs"), "models/cats and dogs.safetensors");
  g_assert_cmpint (sf_catalogue_find (catalogue, "cats and dogs")->manifest->width, ==, 48);
  g_assert_cmpint (sf_catalogue_find (catalogue, "cats and dogs")->manifest->n_classes, ==, 2);
  g_assert_null (sf_catalogue_find (catalogue, "cats and dogs.safetensors"));
  files_remove ("models");
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  files_begin ();
  g_test_add_func ("/catalogue/built-in", test_built_in);
  g_test_add_func ("/catalogue/classes", test_classes);
  g_test_add_func ("/catalogue/find", test_find);
  g_test_add_func ("/catalogue/own", test_own);
  g_test_add_func ("/catalogue/beside", test_beside);
  status = g_test_run ();
  files_end ();
  return status;
}
