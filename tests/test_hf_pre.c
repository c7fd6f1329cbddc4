/* SPDX-License-Identifier: MIT
 * What image processors of the Hugging Face hub and timm do to an image: a
 * preprocessor_config.json or pretrained_cfg in all its forms.
 */
#include "tests/test.h"

#include "base/json.h"
#include "formats/hf_pre.h"

struct pre_row {
	const char *name, *json;
	const char *want; /* preprocess_json() of it, or the error */
	bool timm;
};

#define HALF "\"mean\":[0.5,0.5,0.5],\"std\":[0.5,0.5,0.5]"
#define FROM "\"bgr\":false,\"from\":\"preprocessor_config.json\","

static const struct pre_row pre_rows[] = {
    {"ViT, nothing said", "{}",
	"{" FROM "\"filter\":\"bilinear\",\"height\":224," HALF
	",\"resize\":\"exact\",\"width\":224}",
	false},
    {"ViT, old size",
	"{\"feature_extractor_type\":\"ViTFeatureExtractor\",\"size\":384,"
	"\"resample\":3}",
	"{" FROM "\"filter\":\"bicubic\",\"height\":384," HALF
	",\"resize\":\"exact\",\"width\":384}",
	false},
    {"ViT, no resize, no normalisation",
	"{\"do_resize\":false,\"do_normalize\":false}",
	"{" FROM "\"filter\":\"bilinear\"}", false},
    {"ViT, pixels to 255",
	"{\"do_rescale\":false,\"image_mean\":[127.5],\"image_std\":127.5,"
	"\"size\":{\"height\":8,\"width\":9}}",
	"{" FROM "\"filter\":\"bilinear\",\"height\":8,\"mean\":[0.5],"
	"\"resize\":\"exact\",\"std\":[0.5],\"width\":9}",
	false},
    {"ViT, -1 to 1 by the scale",
	"{\"do_normalize\":false,\"rescale_factor\":0.00784313725490196,"
	"\"size\":8,\"resample\":0}",
	"{" FROM "\"filter\":\"nearest\",\"height\":8,\"mean\":[0.0],"
	"\"resize\":\"exact\",\"std\":[0.5],\"width\":8}",
	false},
    {"ViT, a size with nulls",
	"{\"size\":{\"height\":null,\"width\":null,\"shortest_edge\":8,"
	"\"longest_edge\":null}}",
	"{" FROM "\"filter\":\"bilinear\",\"height\":8," HALF
	",\"resize\":\"shortest\",\"width\":8}",
	false},
    {"DeiT", "{\"image_processor_type\":\"DeiTImageProcessor\"}",
	"{\"bgr\":false,\"centre\":\"transformers\",\"crop_height\":224,\"crop_"
	"width\":224,"
	"\"filter\":\"bicubic\",\"from\":\"preprocessor_config.json\","
	"\"height\":256," HALF ",\"resize\":\"exact\",\"width\":256}",
	false},
    {"BEiT, no crop",
	"{\"image_processor_type\":\"BeitImageProcessor\","
	"\"do_center_crop\":false,\"crop_size\":224,\"size\":224,"
	"\"resample\":1}",
	"{" FROM "\"filter\":\"lanczos\",\"height\":224," HALF
	",\"resize\":\"exact\",\"width\":224}",
	false},
    {"ConvNeXt, below 384",
	"{\"image_processor_type\":\"ConvNextImageProcessorFast\","
	"\"size\":{\"shortest_edge\":224},\"crop_pct\":0.95}",
	"{\"bgr\":false,\"centre\":\"transformers-fast\",\"crop_height\":224,"
	"\"crop_"
	"width\":224,"
	"\"filter\":\"bilinear\",\"from\":\"preprocessor_config.json\","
	"\"height\":235," HALF ",\"resize\":\"shortest\",\"width\":235}",
	false},
    {"ConvNeXt, 384",
	"{\"feature_extractor_type\":\"ConvNextFeatureExtractor\","
	"\"size\":384,\"crop_pct\":null}",
	"{" FROM "\"filter\":\"bilinear\",\"height\":384," HALF
	",\"resize\":\"exact\",\"width\":384}",
	false},
    {"MobileNetV2",
	"{\"image_processor_type\":\"MobileNetV2ImageProcessor\","
	"\"size\":{\"shortest_edge\":256},"
	"\"crop_size\":{\"height\":224,\"width\":192}}",
	"{\"bgr\":false,\"centre\":\"transformers\",\"crop_height\":224,\"crop_"
	"width\":192,"
	"\"filter\":\"bilinear\",\"from\":\"preprocessor_config.json\","
	"\"height\":256," HALF ",\"resize\":\"shortest\",\"width\":256}",
	false},
    {"EfficientNet, twice",
	"{\"image_processor_type\":\"EfficientNetImageProcessor\","
	"\"size\":{\"height\":8,\"width\":8},\"image_mean\":[0.25],"
	"\"image_std\":[0.5],\"resample\":3}",
	"{" FROM "\"filter\":\"bicubic\",\"height\":8,\"mean\":[0.25],"
	"\"resize\":\"exact\",\"std\":[0.25],\"width\":8}",
	false},
    {"EfficientNet, offset",
	"{\"image_processor_type\":\"EfficientNetImageProcessor\","
	"\"rescale_offset\":true,\"rescale_factor\":0.00784313725490196,"
	"\"do_normalize\":false,\"size\":8,\"resample\":3}",
	"{" FROM "\"filter\":\"bicubic\",\"height\":8,\"mean\":[0.5],"
	"\"resize\":\"exact\",\"std\":[0.5],\"width\":8}",
	false},
    {"EfficientNet, an offset that is not the same everywhere",
	"{\"image_processor_type\":\"EfficientNetImageProcessor\","
	"\"rescale_offset\":true}",
	"'rescale_offset' with a 'rescale_factor' for which versions of "
	"transformers differ",
	false},
    {"another processor",
	"{\"image_processor_type\":\"MobileViTImageProcessor\","
	"\"size\":{\"shortest_edge\":288},\"do_center_crop\":true,"
	"\"crop_size\":{\"height\":256,\"width\":256},\"do_normalize\":false,"
	"\"do_flip_channel_order\":true,\"resample\":4}",
	"{\"bgr\":true,\"centre\":\"transformers\",\"crop_height\":256,\"crop_"
	"width\":256,"
	"\"filter\":\"box\",\"from\":\"preprocessor_config.json\",\"height\":"
	"288,"
	"\"resize\":\"shortest\",\"width\":288}",
	false},
    {"MobileViT, of old",
	"{\"feature_extractor_type\":\"MobileViTFeatureExtractor\","
	"\"size\":288,\"crop_size\":256,\"resample\":2}",
	"{\"bgr\":true,\"centre\":\"transformers\",\"crop_height\":256,\"crop_"
	"width\":256,"
	"\"filter\":\"bilinear\",\"from\":\"preprocessor_config.json\","
	"\"height\":288,\"resize\":\"shortest\",\"width\":288}",
	false},
    {"LeViT resizes to more than it says",
	"{\"image_processor_type\":\"LevitImageProcessor\","
	"\"size\":{\"shortest_edge\":224},\"image_mean\":0.5,"
	"\"image_std\":0.5}",
	"{\"bgr\":false,\"centre\":\"transformers\",\"crop_height\":224,\"crop_"
	"width\":224,"
	"\"filter\":\"bicubic\",\"from\":\"preprocessor_config.json\","
	"\"height\":256,\"mean\":[0.5],\"resize\":\"shortest\","
	"\"std\":[0.5],\"width\":256}",
	false},
    {"PoolFormer crops a part",
	"{\"image_processor_type\":\"PoolFormerImageProcessor\","
	"\"crop_pct\":0.95,\"size\":{\"height\":224,\"width\":224},"
	"\"image_mean\":0.5,\"image_std\":0.5}",
	"{\"bgr\":false,\"centre\":\"transformers\",\"crop_height\":224,\"crop_"
	"width\":224,"
	"\"filter\":\"bicubic\",\"from\":\"preprocessor_config.json\","
	"\"height\":235,\"mean\":[0.5],\"resize\":\"shortest\","
	"\"std\":[0.5],\"width\":235}",
	false},
    {"PoolFormer, all of it",
	"{\"image_processor_type\":\"PoolFormerImageProcessor\","
	"\"crop_pct\":null,\"do_normalize\":false}",
	"{\"bgr\":false,\"centre\":\"transformers\",\"crop_height\":224,\"crop_"
	"width\":224,"
	"\"filter\":\"bicubic\",\"from\":\"preprocessor_config.json\","
	"\"height\":224,\"resize\":\"shortest\",\"width\":224}",
	false},
    {"resample 9", "{\"resample\":9}",
	"'resample' is no filter that is known here", false},
    {"a mean of text", "{\"image_mean\":[\"a\"]}",
	"'image_mean' is not a list of numbers", false},
    {"five means", "{\"image_mean\":[1,2,3,4,5]}", "'image_mean' has 5 values",
	false},
    {"two means, three deviations",
	"{\"image_mean\":[1,2],\"image_std\":[1,2,3]}",
	"2 means and 3 deviations", false},
    {"a size of 0", "{\"size\":0}", "'size' is not within 1 to 8192", false},
    {"a size of text", "{\"size\":\"224\"}",
	"'size' is neither a side, nor height and width, nor a shortest edge",
	false},
    {"do_resize of text", "{\"do_resize\":\"no\"}",
	"'do_resize' is neither true nor false", false},
    {"crop_pct of 0",
	"{\"image_processor_type\":\"ConvNextImageProcessor\","
	"\"size\":224,\"crop_pct\":0}",
	"'crop_pct' is not within 0.05 to 4", false},
    {"crop_pct that leaves too much",
	"{\"image_processor_type\":\"ConvNextImageProcessor\","
	"\"size\":1,\"crop_pct\":2}",
	"'crop_pct' crops 1 pixels from 0", false},
    {"timm",
	"{\"input_size\":[3,224,224],\"crop_pct\":0.9,"
	"\"interpolation\":\"bicubic\",\"mean\":[0.5,0.5,0.5],"
	"\"std\":[0.5,0.5,0.5]}",
	"{\"bgr\":false,\"crop_height\":224,\"crop_width\":224,"
	"\"filter\":\"bicubic\",\"from\":\"pretrained_cfg\",\"height\":"
	"248," HALF ",\"resize\":\"shortest\",\"width\":248}",
	true},
    {"timm, squashed",
	"{\"input_size\":[3,64,32],\"crop_pct\":1,\"crop_mode\":\"squash\","
	"\"interpolation\":\"random\"}",
	"{\"bgr\":false,\"crop_height\":64,\"crop_width\":32,"
	"\"filter\":\"bilinear\",\"from\":\"pretrained_cfg\",\"height\":64,"
	"\"mean\":[0.485,0.456,0.406],\"resize\":\"exact\","
	"\"std\":[0.229,0.224,0.225],\"width\":32}",
	true},
    {"timm, what it takes where nothing is said", "{}",
	"{\"bgr\":false,\"filter\":\"bicubic\",\"from\":\"pretrained_cfg\","
	"\"mean\":[0.485,0.456,0.406],\"std\":[0.229,0.224,0.225]}",
	true},
    {"timm, border", "{\"input_size\":[3,8,8],\"crop_mode\":\"border\"}",
	"'crop_mode' is 'border'", true},
    {"timm, two sizes", "{\"input_size\":[3,8]}",
	"'input_size' is not of three numbers", true},
};

/* Keys in one order, reals to nine digits. */
static char *
same_form(json_t *j)
{
	char *text = json_dumps(
	    j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));

	json_decref(j);
	assert_non_null(text);
	return text;
}

static void
test_pre(void **state)
{
	const struct pre_row *row = *state;
	struct preprocess p;
	struct err e = {0};
	char *got, *want;
	json_t *j;
	int rc;

	assert_ok(json_read(row->json, strlen(row->json), &j, &e), &e);
	rc = row->timm ? hf_pre_timm(j, &p, &e) : hf_pre_processor(j, &p, &e);
	json_decref(j);
	if (rc != 0) {
		assert_string_equal(e.msg, row->want);
		return;
	}
	assert_ok(json_read(row->want, strlen(row->want), &j, &e), &e);
	got = same_form(preprocess_json(&p));
	want = same_form(j);
	assert_string_equal(got, want);
	free(got);
	free(want);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(pre_rows)];

	for (size_t i = 0; i < ARRAY_LEN(pre_rows); i++)
		tests[i] = (struct CMUnitTest)ROW(test_pre, pre_rows[i]);
	return _cmocka_run_group_tests(
	    "hf_pre", tests, ARRAY_LEN(tests), NULL, NULL);
}
