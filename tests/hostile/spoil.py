"""How good bytes and texts are spoilt, each way from a random generator."""

import json
import struct

ODD = [
    "",
    "0",
    "-1",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "4294967296",
    "2147483648",
    "0x10",
    "1.5",
    "null",
    "~",
    "true",
    "[]",
    "{}",
    "[1, 2, 3, 4, 5, 6]",
    "'",
    "\"",
    "*a",
    "&a",
    "!!int 3",
    "\t",
    ":",
    "?",
    "-",
    "%",
    "@",
    "a" * 5000,
    "\u00e9",
    "${HOME}",
    "${NO_SUCH}",
    "../../x",
    "/dev/zero",
    "/dev/full",
    "1e-320",
]


def spoil_bytes(rng, data, most=6):
    data = bytearray(data)
    for _ in range(rng.randint(1, most)):
        how = rng.randrange(7)
        at = rng.randrange(len(data)) if data else 0
        if how == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1 and data:
            data[at] = rng.choice([0, 255, 127, 128, 10, 34, 44, 58])
        elif how == 2:
            del data[at:]
        elif how == 3:
            del data[at : at + rng.randint(1, 64)]
        elif how == 4:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 32)))
        elif how == 5 and len(data) > 8:
            width = rng.choice([1, 2, 4, 8])
            data[at : at + width] = rng.choice([b"\xff", b"\0", b"\x7f"]) * width
        elif data:
            data[at:at] = data[at : at + rng.randint(1, 200)]
    return bytes(data)


def spoil_text(rng, text, most=4):
    lines = text.split("\n")
    for _ in range(rng.randint(1, most)):
        at = rng.randrange(len(lines))
        how = rng.randrange(8)
        if how == 0:
            del lines[at]
            lines = lines or [""]
        elif how == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif how == 2:
            lines[at] = rng.choice(["\t", " ", "   "]) + lines[at]
        elif how == 3 and ":" in lines[at]:
            lines[at] = lines[at].split(":")[0] + ": " + rng.choice(ODD)
        elif how == 4 and ":" in lines[at]:
            lines[at] = lines[at].replace(":", "", 1)
        elif how == 5:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(ODD)
            lines[at] = " ".join(words)
        elif how == 6 and lines[at]:
            place = rng.randrange(len(lines[at]))
            lines[at] = lines[at][:place] + rng.choice("{}[]\"':,#&*!|>%\0\x01") + lines[at][place:]
        else:
            lines[at] = lines[at][: rng.randint(0, len(lines[at]))]
    return "\n".join(lines)


def header_of(data):
    (size,) = struct.unpack("<Q", data[:8])
    return data[8 : 8 + size].decode(), data[8 + size :]


def spoil_header(rng, data):
    """A safetensors file whose head alone is spoilt: its lengths still hold."""
    head, rest = header_of(data)
    raw = spoil_text(rng, head.replace(",", ",\n"), 3).replace("\n", "").encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw + rest


def odd(rng):
    return rng.choice(ODD).replace("\0", "")


# ---- JSON, by value ----

WHOLE = [
    0,
    -1,
    1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    10**30,
    1e308,
    -1e308,
    0.5,
    True,
    None,
    "",
    "x",
    [],
    {},
    [[[]]],
    [0] * 9,
    "a" * 300,
    "\u0000",
    "\u001b[31m",
    "nan",
]


def places(value, found):
    """All (holder, key) below a value of JSON."""
    for key in (list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
        found.append((value, key))
        places(value[key], found)
    return found


def spoil_value(rng, value, most=2):
    """One that still is JSON: another number, a key more or less, a part twice."""
    for _ in range(rng.randint(1, most)):
        held = places(value, [])
        if not held:
            break
        holder, key = rng.choice(held)
        how = rng.randrange(5)
        if how < 2:
            holder[key] = rng.choice(WHOLE)
        elif how == 2:
            del holder[key]
        elif how == 3:
            other, at = rng.choice(held)
            copy = json.loads(
                json.dumps(other.get(at) if isinstance(other, dict) else other[at] if at < len(other) else 0)
            )
            holder[key] = copy
        elif isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(holder[key])))
        else:
            holder[odd(rng)] = holder.pop(key)
    return value


def spoil_metadata(rng, data):
    """A safetensors file with one text of its metadata spoilt, by value where it is JSON."""
    head, rest = header_of(data)
    head = json.loads(head)
    texts = head.get("__metadata__", {})
    name = rng.choice(sorted(texts))
    try:
        value = json.loads(texts[name])
        texts[name] = json.dumps(spoil_value(rng, value) if isinstance(value, (dict, list)) else rng.choice(WHOLE))
    except ValueError:
        texts[name] = spoil_text(rng, texts[name])
    raw = json.dumps(head).encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw + rest


# ---- protocol buffers: fields whose lengths hold ----


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
        if shift > 63:
            raise IndexError


def as_varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def fields(data):
    """[(number, wire type, value)], or None: this is no message."""
    found, at = [], 0
    try:
        while at < len(data):
            tag, at = varint(data, at)
            number, kind = tag >> 3, tag & 7
            if kind == 0:
                value, at = varint(data, at)
            elif kind in (1, 5):
                n = 8 if kind == 1 else 4
                value, at = data[at : at + n], at + n
            elif kind == 2:
                n, at = varint(data, at)
                value, at = data[at : at + n], at + n
                if len(value) < n:
                    return None
            else:
                return None
            if not number or at > len(data):
                return None
            found.append((number, kind, value))
    except IndexError:
        return None
    return found


def message(found):
    out = b""
    for number, kind, value in found:
        out += as_varint(number << 3 | kind)
        out += as_varint(value) if kind == 0 else value if kind != 2 else as_varint(len(value)) + value
    return out


def spoil_message(rng, data):
    """One field of a message, at any depth, is another, is gone, stands twice."""
    found = fields(data)
    if not found:
        return spoil_bytes(rng, data, 2)
    at = rng.randrange(len(found))
    number, kind, value = found[at]
    how = rng.randrange(10)
    if how == 0:
        del found[at]
    elif how == 1:
        found.insert(rng.randrange(len(found)), found[at])
    elif how == 2:
        found[at] = (rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 11, 14, 20, 99]), kind, value)
    elif kind == 0:
        found[at] = (number, 0, rng.choice([0, 1, 2, 7, 127, 2**31 - 1, 2**32, 2**63, 2**64 - 1, 2**62]))
    elif kind == 2 and how < 8 and fields(value):
        found[at] = (number, 2, spoil_message(rng, value))
    elif kind == 2:
        found[at] = (number, 2, rng.choice([spoil_bytes(rng, value, 2), b"", value[: len(value) // 2], value * 3]))
    else:
        found[at] = (number, kind, rng.choice([b"\xff", b"\0", b"\x7f"]) * len(value))
    return message(found)
