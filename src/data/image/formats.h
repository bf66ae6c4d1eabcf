/* formats.h -- the codecs that every tutti has. */
#ifndef IMAGE_FORMATS_H
#define IMAGE_FORMATS_H

#include "data/image/codec.h"

extern const struct codec bmp_codec, jpeg_codec, png_codec, pnm_codec;

#endif
