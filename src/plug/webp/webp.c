/* WebP by libwebp: lossy, lossless, with alpha; of an animation the first picture. */
#include <webp/decode.h>
#include <webp/demux.h>

#include <stdio.h>
#include <string.h>

#include "data/image/codec.h"
#include "sys/plug.h"

static tt_status damaged(const struct bytes *in, VP8StatusCode code)
{
	static const char *const words[] = {
		[VP8_STATUS_OUT_OF_MEMORY] = "no memory", [VP8_STATUS_BITSTREAM_ERROR] = "wrong bits",
		[VP8_STATUS_UNSUPPORTED_FEATURE] = "a feature that is not known",
		[VP8_STATUS_NOT_ENOUGH_DATA] = "it ends early",
	};
	const char *word = (size_t)code < sizeof words / sizeof *words ? words[code] : NULL;

	return err_set(TT_EFORMAT, "%s: damaged WebP: %s", in->name,
	               word ? word : "it cannot be decoded");
}

static tt_status look(const struct bytes *in, WebPBitstreamFeatures *f)
{
	const VP8StatusCode code = WebPGetFeatures(in->p, in->n, f);

	return code == VP8_STATUS_OK ? TT_OK : damaged(in, code);
}

static tt_status webp_probe(const struct bytes *in, struct raster *r)
{
	WebPBitstreamFeatures f;
	tt_status st = look(in, &f);

	if (st != TT_OK)
		return st;
	r->h = f.height;
	r->w = f.width;
	r->channels = f.has_alpha ? 4 : 3;
	return TT_OK;
}

static void copy_frame(const uint8_t *rgba, struct raster *r)
{
	for (size_t i = 0; i < raster_pixels(r); i++)
		memcpy(r->p + i * (size_t)r->channels, rgba + 4 * i, (size_t)r->channels);
}

/* The first picture on its canvas. */
static tt_status decode_frame(const struct bytes *in, struct raster *r)
{
	const WebPData data = { in->p, in->n };
	WebPAnimDecoderOptions options;
	WebPAnimDecoder *d;
	WebPAnimInfo info;
	uint8_t *rgba;
	int when;
	tt_status st = TT_OK;

	if (!WebPAnimDecoderOptionsInit(&options))
		return err_set(TT_EINTERNAL, "libwebpdemux is of another version than its header");
	options.color_mode = MODE_RGBA;
	if (!(d = WebPAnimDecoderNew(&data, &options)))
		return damaged(in, VP8_STATUS_BITSTREAM_ERROR);
	if (!WebPAnimDecoderGetInfo(d, &info) || (int)info.canvas_width != r->w ||
	    (int)info.canvas_height != r->h || !WebPAnimDecoderGetNext(d, &rgba, &when))
		st = damaged(in, VP8_STATUS_BITSTREAM_ERROR);
	else
		copy_frame(rgba, r);
	WebPAnimDecoderDelete(d);
	return st;
}

static tt_status webp_decode(const struct bytes *in, struct raster *r)
{
	const size_t stride = (size_t)r->w * (size_t)r->channels, size = stride * (size_t)r->h;
	WebPDecoderConfig c;
	VP8StatusCode code;
	tt_status st;

	if (!WebPInitDecoderConfig(&c))
		return err_set(TT_EINTERNAL, "libwebp is of another version than its header");
	if ((st = look(in, &c.input)) != TT_OK)
		return st;
	if (c.input.has_animation)
		return decode_frame(in, r);
	c.output.colorspace = r->channels == 4 ? MODE_RGBA : MODE_RGB;
	c.output.is_external_memory = 1;
	c.output.u.RGBA.rgba = r->p;
	c.output.u.RGBA.stride = (int)stride;
	c.output.u.RGBA.size = size;
	code = WebPDecode(in->p, in->n, &c);
	WebPFreeDecBuffer(&c.output);
	return code == VP8_STATUS_OK ? TT_OK : damaged(in, code);
}

static const char *version(void)
{
	static char text[24];
	const int v = WebPGetDecoderVersion();

	snprintf(text, sizeof text, "%d.%d.%d", v >> 16, v >> 8 & 255, v & 255);
	return text;
}

static const struct codec webp_codec = {
	.name = "WebP", .probe = webp_probe, .decode = webp_decode
};

extern const struct plug webp_plug;
const struct plug webp_plug = PLUG(
	.kind = PLUG_CODEC, .name = "webp", .version = version, .ops = &webp_codec,
	.serves = "WebP images");
