#!/usr/bin/env python3
"""tt_image_read_as gives the pixels of Pillow, to the bit: a corpus of every format, made here, is
read by both as RGB, as grey, in another size, on a background and upright.

What differs on purpose is in DIFFERS, with the reason."""
import ctypes
import io
import os
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib

try:
    import PIL
    from PIL import Image, ImageOps, features
except ImportError:                      # another Python may be first in the path than Debian's
    if sys.executable == "/usr/bin/python3" or not os.path.exists("/usr/bin/python3"):
        print("skipped: no Pillow")
        sys.exit(77)
    sys.exit(subprocess.run(["/usr/bin/python3", __file__]).returncode)

corpus = {}


def noise(size, channels, seed=1, bits=8):
    """Smooth in parts and rough in others; the same everywhere."""
    w, h = size
    out, state = bytearray(), seed
    for i in range(w * h * channels):
        state = (state * 1103515245 + 12345) & 0x7fffffff
        smooth = (i // channels % w) * 255 // w
        value = smooth if (i // (channels * w)) % 3 else state >> 16
        out.append(value & 255)
        if bits == 16:
            out.append(state >> 8 & 255 if i % 5 else 0)
    return bytes(out)


def saved(name, image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    corpus[name] = data.getvalue()
    return corpus[name]


# ---- PNG: written by hand, since Pillow writes few of its kinds ----

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def pack(rows, depth):
    out = b""
    for row in rows:
        out += b"\0"
        if depth == 16:
            out += b"".join(struct.pack(">H", v) for v in row)
        else:
            bits = "".join(format(v, f"0{depth}b") for v in row)
            bits += "0" * (-len(bits) % 8)
            out += bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return out


def png(kind, depth, size, interlace=0, extra=b"", late=b"", colours=None):
    w, h = size
    n, top = SAMPLES[kind], (colours or 1 << depth) - 1
    raw = noise(size, n, seed=kind * 100 + depth, bits=16)
    value = [(raw[2 * i] << 8 | raw[2 * i + 1]) % (top + 1) for i in range(w * h * n)]
    if depth == 8 and kind != 3:
        value = list(noise(size, n, seed=kind))
    row = [value[y * w * n:(y + 1) * w * n] for y in range(h)]
    if interlace:
        data = b""
        for x0, y0, dx, dy in ADAM7:
            part = [sum((r[x * n:x * n + n] for x in range(x0, w, dx)), []) for r in row[y0::dy]]
            data += pack(part, depth) if part and part[0] else b""
    else:
        data = pack(row, depth)
    head = struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data)) +
            late + chunk(b"IEND", b""))


def make_png():
    palette = chunk(b"PLTE", noise((256, 1), 3, seed=7))
    for kind, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)),
                         (6, (8, 16))):
        for depth in depths:
            extra = palette[:8 + 3 * (1 << depth)] if kind == 3 else b""
            if kind == 3:
                extra = chunk(b"PLTE", noise((256, 1), 3, seed=7)[:3 << depth])
            for interlace in (0, 1):
                corpus[f"png-{kind}-{depth}-{interlace}.png"] = png(kind, depth, (13, 11), interlace,
                                                                    extra)
            clear = {0: struct.pack(">H", 1), 2: struct.pack(">HHH", 1, 2, 3),
                     3: bytes(range(0, 2 << min(depth, 6), 2))[:1 << depth]}.get(kind)
            if clear is not None:
                corpus[f"png-{kind}-{depth}-trns.png"] = png(kind, depth, (13, 11), 0,
                                                             extra + chunk(b"tRNS", clear))
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    for kind, depth in ((0, 8), (0, 16), (2, 8), (2, 16), (4, 16), (6, 8)):
        corpus[f"png-gamma-{kind}-{depth}.png"] = png(kind, depth, (9, 5), 0, gamma)
        corpus[f"png-gamma22-{kind}-{depth}.png"] = png(kind, depth, (9, 5), 0, chunk(
            b"gAMA", struct.pack(">I", 45455)) + chunk(b"sBIT", bytes([5] * SAMPLES[kind])))
    corpus["png-srgb.png"] = png(2, 8, (9, 5), 0, chunk(b"sRGB", b"\0") + chunk(b"cHRM", struct.pack(
        ">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)))
    corpus["png-iccp.png"] = png(2, 8, (9, 5), 0, chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 200)))
    corpus["png-one.png"] = png(2, 8, (1, 1))
    corpus["png-wide.png"] = png(0, 1, (67, 1), 1)
    corpus["png-short-palette.png"] = png(3, 4, (13, 11), 0, chunk(b"PLTE", noise((9, 1), 3)),
                                          colours=9)


# ---- JPEG ----

def with_adobe(data, transform, jfif):
    """With Adobe's marker, and with or without JFIF's."""
    at = 2
    while data[at + 1] in (0xe0, 0xee):
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])
    return data[:2] + (data[2:20] if jfif else b"") + adobe + data[at:]


def with_exif(data, orientation, big=False):
    order, form = (b"MM\0*", ">") if big else (b"II*\0", "<")
    tiff = order + struct.pack(form + "IHHHI", 8, 2, 0x100, 3, 1) + struct.pack(form + "HH", 5, 0) + \
        struct.pack(form + "HHIHH", 0x112, 3, 1, orientation, 0) + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:], tiff


def make_jpeg():
    rgb = Image.frombytes("RGB", (37, 29), noise((37, 29), 3))
    for quality in (30, 75, 95):
        for sampling in (0, 1, 2):
            for progressive in (False, True):
                saved(f"jpeg-{quality}-{sampling}-{progressive:d}.jpg", rgb, "JPEG", quality=quality,
                      subsampling=sampling, progressive=progressive)
    for size in ((1, 1), (8, 8), (9, 17), (2, 40), (3, 1)):
        saved("jpeg-%d-%d.jpg" % size, Image.frombytes("RGB", size, noise(size, 3)), "JPEG")
    grey = Image.frombytes("L", (37, 29), noise((37, 29), 1))
    saved("jpeg-grey.jpg", grey, "JPEG")
    saved("jpeg-grey-progressive.jpg", grey, "JPEG", progressive=True)
    ink = Image.frombytes("CMYK", (37, 29), noise((37, 29), 4))
    for quality in (40, 95):
        data = saved(f"jpeg-cmyk-{quality}.jpg", ink, "JPEG", quality=quality)
        corpus[f"jpeg-ycck-{quality}.jpg"] = with_adobe(data, 2, False)
        corpus[f"jpeg-inks-{quality}.jpg"] = with_adobe(data, 0, False)
        saved(f"jpeg-cmyk-progressive-{quality}.jpg", ink, "JPEG", quality=quality, progressive=True)
    data = saved("jpeg-icc.jpg", rgb, "JPEG", icc_profile=b"\1" * 3000)
    corpus["jpeg-rgb.jpg"] = with_adobe(corpus["jpeg-95-0-0.jpg"], 0, False)
    corpus["jpeg-adobe.jpg"] = with_adobe(corpus["jpeg-95-0-0.jpg"], 1, False)
    corpus["jpeg-jfif-and-adobe.jpg"] = with_adobe(corpus["jpeg-95-0-0.jpg"], 0, True)
    corpus["jpeg-padded.jpg"] = data[:-2] + b"seven!!" + data[-2:] + b"and a tail"
    saved("jpeg-restart.jpg", rgb, "JPEG", quality=80)
    for i in range(0, 10):
        corpus[f"jpeg-exif-{i}.jpg"], tiff = with_exif(corpus["jpeg-75-2-0.jpg"], i, i % 2 == 1)
        corpus[f"png-exif-{i}.png"] = png(2, 8, (7, 5), 0, chunk(b"eXIf", tiff))
        corpus[f"png-exif-late-{i}.png"] = png(0, 8, (7, 5), 0, b"", chunk(b"eXIf", tiff))


# ---- BMP ----

def bmp(size, bits, rows, palette=b"", packing=0, masks=b"", head=40, top_down=False):
    w, h = size
    if head == 12:
        info = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", head, w, -h if top_down else h, 1, bits, packing, len(rows), 0,
                           0, len(palette) // 4, 0)
        info += masks.ljust(head - 40, b"\0")
        masks = b"" if head > 40 else masks
    at = 14 + len(info) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + info + masks + palette + rows


def bmp_rows(size, bits, colours=None):
    w, h = size
    stride = (w * bits + 31) // 32 * 4
    raw = bytearray(noise((stride, h), 1, seed=bits))
    if colours:
        raw = bytearray(v % colours for v in raw)
    return bytes(raw)


def make_bmp():
    size, four = (13, 11), noise((256, 1), 4, seed=3)
    for bits in (1, 4, 8):
        for top_down in (False, True):
            corpus[f"bmp-{bits}-{top_down:d}.bmp"] = bmp(size, bits, bmp_rows(size, bits),
                                                         four[:4 << bits], top_down=top_down)
        three = b"".join(four[4 * i:4 * i + 3] for i in range(1 << bits))
        corpus[f"bmp-os2-{bits}.bmp"] = bmp(size, bits, bmp_rows(size, bits), three, head=12)
    for bits in (16, 24, 32):
        for head in (40, 108, 124):
            corpus[f"bmp-{bits}-{head}.bmp"] = bmp(size, bits, bmp_rows(size, bits), head=head)
    corpus["bmp-os2-24.bmp"] = bmp(size, 24, bmp_rows(size, 24), head=12)
    for i, masks in enumerate(((0xf800, 0x7e0, 0x1f), (0x7c00, 0x3e0, 0x1f))):
        corpus[f"bmp-masks16-{i}.bmp"] = bmp(size, 16, bmp_rows(size, 16), packing=3,
                                             masks=struct.pack("<III", *masks))
    for i, masks in enumerate(((0xff0000, 0xff00, 0xff, 0), (0xff000000, 0xff0000, 0xff00, 0),
                               (0xff, 0xff00, 0xff0000, 0xff000000), (0, 0, 0, 0),
                               (0xff0000, 0xff00, 0xff, 0xff000000))):
        corpus[f"bmp-masks32-{i}.bmp"] = bmp(size, 32, bmp_rows(size, 32), packing=3, head=108,
                                             masks=struct.pack("<IIII", *masks))
    runs = b"\5\3\0\4\1\2\3\4\4\7\0\0" + b"\0\3\1\2\3\0\x0a\5\0\0" + b"\x0d\x09\0\0" * 8 + b"\5\6\0\0\0\1"
    corpus["bmp-rle8.bmp"] = bmp(size, 8, runs, four, packing=1)
    runs = b"\5\x31\0\4\x12\x34\4\x70\0\0" + b"\x0d\x59\0\0" * 9 + b"\2\x6a\0\0\0\1"
    corpus["bmp-rle4.bmp"] = bmp(size, 4, runs, four[:64], packing=2)
    rgb = Image.frombytes("RGB", (37, 29), noise((37, 29), 3))
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        saved(f"bmp-{mode}.bmp", rgb.convert(mode), "BMP")


# ---- WebP, GIF, TIFF ----

def make_webp():
    if not features.check("webp"):
        return
    rgb = Image.frombytes("RGB", (37, 29), noise((37, 29), 3))
    rgba = Image.frombytes("RGBA", (37, 29), noise((37, 29), 4))
    for quality in (20, 90):
        saved(f"webp-{quality}.webp", rgb, "WEBP", quality=quality)
        saved(f"webp-alpha-{quality}.webp", rgba, "WEBP", quality=quality)
    saved("webp-lossless.webp", rgb, "WEBP", lossless=True)
    saved("webp-lossless-alpha.webp", rgba, "WEBP", lossless=True, exact=True)
    saved("webp-animated.webp", rgba, "WEBP", save_all=True, append_images=[rgba.rotate(180)])
    tiff = with_exif(b"\xff\xd8", 6)[1]
    for i in range(1, 9):
        saved(f"webp-exif-{i}.webp", rgb, "WEBP", exif=b"Exif\0\0" + with_exif(b"\xff\xd8", i)[1])
    saved("webp-exif-bare.webp", rgb, "WEBP", exif=tiff)


def gif(screen, frame, interlace=0, clear=None, own=False, version=b"GIF89a"):
    """By Pillow's own packing of the pixels."""
    x, y, w, h = frame
    data = io.BytesIO()
    picture = Image.frombytes("P", (w, h), bytes(v % 16 for v in noise((w, h), 1)))
    picture.putpalette(noise((16, 1), 3))
    picture.save(data, "GIF", interlace=interlace, optimize=False)
    data = data.getvalue()
    bits = (data[10] & 7) + 1
    colours = data[13:13 + (3 << bits)]
    at = data.index(b",", 13 + (3 << bits))
    head = version + struct.pack("<HH", *screen) + (b"\x70\0\0" if own else data[10:11] + b"\0\0" + colours)
    control = b"" if clear is None else b"!\xf9\4\1\0\0" + bytes([clear]) + b"\0"
    place = b"," + struct.pack("<HHHH", x, y, w, h)
    flags = bytes([data[at + 9] & 0x40 | (0x80 | bits - 1 if own else 0)])
    return head + control + place + flags + (colours if own else b"") + data[at + 10:]


def make_gif():
    for interlace in (0, 1):
        for clear in (None, 3):
            for own in (False, True):
                corpus[f"gif-{interlace}-{clear}-{own:d}.gif"] = gif((13, 11), (0, 0, 13, 11), interlace,
                                                                    clear, own)
    corpus["gif-87.gif"] = gif((9, 5), (0, 0, 9, 5), version=b"GIF87a")
    corpus["gif-part.gif"] = gif((13, 11), (2, 3, 7, 5))
    corpus["gif-part-clear.gif"] = gif((13, 11), (2, 3, 7, 5), clear=4)
    corpus["gif-beyond.gif"] = gif((5, 5), (2, 3, 7, 5))
    frames = [Image.frombytes("L", (20, 10), noise((20, 10), 1, seed=i)) for i in range(3)]
    saved("gif-animated.gif", frames[0], "GIF", save_all=True, append_images=frames[1:])
    saved("gif-grey.gif", frames[0], "GIF")


def make_tiff():
    size = (37, 29)
    rgb = Image.frombytes("RGB", size, noise(size, 3))
    for mode, channels in (("1", 3), ("L", 3), ("LA", 3), ("P", 3), ("RGB", 3), ("RGBA", 4), ("CMYK", 4),
                           ("I;16", 2), ("I", 4), ("F", 4)):
        if mode in ("I;16", "I", "F"):
            picture = Image.frombytes(mode, size, noise(size, channels))
            if mode == "F":
                values = [v * 3.7 - 200 for v in noise(size, 1)]
                picture = Image.new("F", size)
                picture.putdata(values)
        elif mode in ("RGBA", "CMYK"):
            picture = Image.frombytes(mode, size, noise(size, 4))
        else:
            picture = rgb.convert(mode)
        for packing in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
            saved(f"tiff-{mode}-{packing}.tif", picture, "TIFF", compression=packing)
    saved("tiff-jpeg.tif", rgb, "TIFF", compression="jpeg")
    saved("tiff-grey-jpeg.tif", rgb.convert("L"), "TIFF", compression="jpeg")
    saved("tiff-group4.tif", rgb.convert("1"), "TIFF", compression="group4")
    saved("tiff-many.tif", rgb, "TIFF", save_all=True, append_images=[rgb.rotate(90)])
    for i in range(1, 9):
        saved(f"tiff-turned-{i}.tif", rgb, "TIFF", tiffinfo={274: i})
        saved(f"tiff-turned-{i}-lzw.tif", rgb, "TIFF", tiffinfo={274: i}, compression="tiff_lzw")
    make_tiff_by_hand()


def tiff(size, bits, colours, samples, data, extra=None, planar=1, colour_map=None, tile=None, order="<"):
    """One picture that is not packed; data: its strips or tiles."""
    w, h = size
    tags = {256: (4, [w]), 257: (4, [h]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [colours]),
            277: (3, [samples]), 284: (3, [planar])}
    if extra is not None:
        tags[338] = (3, [extra])
    if colour_map:
        tags[320] = (3, colour_map)
    if tile:
        tags[322], tags[323] = (4, [tile[0]]), (4, [tile[1]])
    else:
        tags[278] = (4, [h])
    starts = [8 + sum(map(len, data[:i])) for i in range(len(data))]
    tags[324 if tile else 273] = (4, starts)
    tags[325 if tile else 279] = (4, [len(part) for part in data])
    body = b"".join(data)
    at = 8 + len(body) + len(body) % 2
    table, far = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(order + ("H" if kind == 3 else "I") * len(values), *values)
        if len(packed) > 4:
            place = struct.pack(order + "I", at + 2 + 12 * len(tags) + 4 + len(far))
            far += packed
        else:
            place = packed.ljust(4, b"\0")
        table += struct.pack(order + "HHI", tag, kind, len(values)) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    return head + body.ljust(at - 8, b"\0") + struct.pack(order + "H", len(tags)) + table + b"\0" * 4 + far


def make_tiff_by_hand():
    size = w, h = (37, 21)
    for order in "<>":
        name = "tiff-II" if order == "<" else "tiff-MM"
        for bits in (1, 2, 4, 8, 16):
            row = (w * bits + 7) // 8
            data = [noise((row, h), 1, seed=bits)]
            corpus[f"{name}-white-{bits}.tif"] = tiff(size, bits, 0, 1, data, order=order)
            corpus[f"{name}-black-{bits}.tif"] = tiff(size, bits, 1, 1, data, order=order)
            if bits <= 8:
                colours = [v * 257 for v in noise((1 << bits, 1), 3)]
                corpus[f"{name}-palette-{bits}.tif"] = tiff(size, bits, 3, 1, data, colour_map=colours,
                                                            order=order)
        for samples, extra in ((3, None), (4, 0), (4, 1), (4, 2)):
            corpus[f"{name}-rgb16-{extra}.tif"] = tiff(size, 16, 2, samples, [noise(size, 2 * samples)],
                                                       extra, order=order)
            corpus[f"{name}-rgb-{extra}.tif"] = tiff(size, 8, 2, samples, [noise(size, samples)], extra,
                                                     order=order)
    planes = [noise(size, 1, seed=i) for i in range(3)]
    corpus["tiff-planes.tif"] = tiff(size, 8, 2, 3, planes, planar=2)
    corpus["tiff-tiles.tif"] = tiff(size, 8, 2, 3, [noise((16, 16), 3, seed=i) for i in range(6)],
                                    tile=(16, 16))
    corpus["tiff-cmyk16.tif"] = tiff(size, 16, 5, 4, [noise(size, 8)])


def make_pnm():
    size = w, h = (13, 11)
    for mode, kind in (("L", b"P5"), ("RGB", b"P6")):
        n = len(mode)
        saved(f"pnm-{mode}.ppm", Image.frombytes(mode, size, noise(size, n)), "PPM")
        for top in (1, 2, 100, 170, 254, 255):
            data = bytes(v % (top + 1) for v in noise(size, n))
            corpus[f"pnm-{mode}-{top}.ppm"] = kind + b"\n# from here\n13 # wide\n 11\n%d\n" % top + data
        for top in (256, 1000, 65535):
            raw = noise(size, n, bits=16)
            value = [(raw[2 * i] << 8 | raw[2 * i + 1]) % (top + 1) for i in range(w * h * n)]
            corpus[f"pnm-{mode}-{top}.pgm"] = kind + b" 13 11 %d\n" % top + struct.pack(f">{len(value)}H",
                                                                                      *value)


# ---- the comparison ----

class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("orientation", ctypes.c_int), ("gray16", ctypes.c_int),
                ("background", ctypes.c_char_p)]


EXIF, STORED = 0, 1


def ours(tutti, path, mode, size, orientation=STORED, background=None):
    channels = 3 if mode == "RGB" else 1
    shape = (ctypes.c_int64 * 3)(channels, size[1], size[0])
    out = ctypes.create_string_buffer(channels * size[0] * size[1])
    options = Options(ctypes.sizeof(Options), orientation, 0, background)
    status = tutti.tt_image_read_as(path.encode(), shape, ctypes.byref(options), out)
    if status != 0:
        return tutti.tt_last_error().decode()
    return out.raw


def planes(image):
    return b"".join(band.tobytes() for band in image.split())


def difference(a, b, allowed):
    if isinstance(a, str):
        return a
    n = sum(abs(x - y) > allowed for x, y in zip(a, b))
    if n == 0:
        return None
    return f"{n} of {len(b)} bytes differ, by at most {max(abs(x - y) for x, y in zip(a, b))}"


def over(image, colour):
    under = Image.new("RGB", image.size, colour)
    rgba = image.convert("RGBA")
    under.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
    return under


# Cases (their beginnings) that are not Pillow's on a background, and why.
DIFFERS = {
    "png-0-1-trns": "Pillow compares the transparent shade, of 1, 2 or 4 bits, with pixels that it has",
    "png-0-2-trns": "made 8 bits of already; here it is compared as the PNG specification has it",
    "png-0-4-trns": "",
}


# From 12 on Pillow sums the columns of tall pictures before their rows, and rounds elsewhere.
def tolerance(size):
    return 1 if int(PIL.__version__.split(".")[0]) > 11 and size[1] > size[0] else 0


def check(tutti, path, data):
    """Every way to read one file; what differs."""
    with open(path, "wb") as file:
        file.write(data)
    bad = []

    def same(what, image, *arguments, **options):
        found = difference(ours(tutti, path, image.mode, image.size, *arguments, **options),
                           planes(image), tolerance(theirs.size))
        if found:
            bad.append(f"{os.path.basename(path)} {what}: {found}")

    try:
        theirs = Image.open(io.BytesIO(data))
    except PIL.UnidentifiedImageError:
        print(f"{os.path.basename(path)}: not known to Pillow {PIL.__version__}")
        return []
    theirs.load()
    for mode in ("RGB", "L"):
        whole = theirs.convert(mode)
        same(mode, whole)
        w, h = whole.size
        for size in ((w, h + 3), (w * 2 + 1, h), (max(1, w // 2), max(1, h // 3)), (5, 7), (20, 20)):
            same(f"{mode} as {size}", whole.resize(size, Image.Resampling.BILINEAR))
        upright = theirs if theirs.format == "TIFF" else ImageOps.exif_transpose(theirs)
        same(mode + " upright", upright.convert(mode), orientation=EXIF)
    if theirs.mode in ("LA", "RGBA", "PA") or "transparency" in theirs.info:
        if not os.path.basename(path).startswith(tuple(DIFFERS)) and theirs.mode[0] != "I":
            same("on white", over(theirs, (255, 255, 255)), background=b"white")
            same("on a colour", over(theirs, (255, 128, 3)), background=b"ff8003")
    return bad


def check_cut(tutti, folder):
    """Half a file of each kind is an error that names it."""
    bad = []
    for name in ("png-2-8-0.png", "jpeg-75-2-0.jpg", "jpeg-75-2-1.jpg", "bmp-24-40.bmp", "webp-90.webp",
                 "webp-lossless.webp", "gif-0-None-0.gif", "tiff-RGB-None.tif", "tiff-II-rgb-2.tif",
                 "pnm-RGB.ppm"):
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(corpus.get(name, b"nothing")[:len(corpus.get(name, b"")) // 2])
        said = ours(tutti, path, "RGB", (37, 29))
        if not isinstance(said, str) or path not in said:
            bad.append(f"{name}, cut: {said if isinstance(said, str) else 'read as if it were whole'}")
    return bad


def main():
    tutti = ctypes.CDLL(os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so"))
    tutti.tt_last_error.restype = ctypes.c_char_p
    warnings.simplefilter("ignore")
    for make in (make_png, make_jpeg, make_bmp, make_webp, make_gif, make_tiff, make_pnm):
        make()
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for name, data in corpus.items():
            bad += check(tutti, os.path.join(folder, name), data)
        bad += check_cut(tutti, folder)
    print(f"{len(corpus)} files")
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    library = os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so")
    if any(word in open(library, "rb").read() for word in (b"__asan_init", b"__tsan_init")):
        print("skipped: a sanitizer's library cannot be loaded late")
        sys.exit(77)
    sys.exit(main())
