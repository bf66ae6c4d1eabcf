#!/usr/bin/env python3
"""Writes tests/golden/tokenizers.json: small tokenizers of every kind and the numbers that the package
`tokenizers` (0.23) finds in hostile and multilingual texts.  By hand: tools/golden/subwords.py > tests/golden/tokenizers.json"""
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers as pre, trainers

TEXTS = [
    "a", " ", "  hello   world  ", "Don't you'll we've I'M", "naïve café Ångström", "日本語のテキスト と カナ",
    "Привет, мир! Ёлка", "مرحبا بالعالم", "हिन्दी पाठ", "👩‍👩‍👧 👍🏽 🇩🇪", "1234567 3.14 ½ ² ⅷ", "\t\ttabs\r\n\n x\n",
    "a\u00a0b\u2003c\u3000d\u0085e\u180ef", "ſ'ſ 'S 'Ll", "İstanbul ı I", "ﬁ ① Ａｂｃ", "e\u0301 \u0301x",
    "__init__(self):", "#$%^&*()_+", "Σας ς", "zero\u200dwidth\u200b", "한국어 각", "\ufeffbom", "ab" * 60, "a" * 99,
    "<|end|>hi <|end|>", "[UNK] ##ing", "\x01\x1c\x1f", "“quoted” — dash…", "𝔘𝔫 𐍈", "ß ẞ Ω K Å", "▁under ▁▁ x",
    "the the there their theory of thermal lathes",
]
CORPUS = TEXTS[1:23] + [
    "Whoever wants to copy the library may copy it, and whoever changes the library says so.",
    "The licence of the library is the licence of all that is in the library; other works are other works.",
    "there they are, the theorists of thermal theories and the others with their theses on lathes",
]
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")
UNK = AddedToken("<unk>", normalized=False, special=True)
BYTES = ["<0x%02X>" % i for i in range(256)]
LEVEL = pre.ByteLevel(add_prefix_space=False)


def bpe(pretokenizer, special=(), size=420, level=True, norm=None, **model):
    t = Tokenizer(models.BPE(**model))
    t.pre_tokenizer = pretokenizer
    if norm:
        t.normalizer = norm
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, min_frequency=2, special_tokens=list(special),
        initial_alphabet=pre.ByteLevel.alphabet() if level else []))
    return t


def other(pretokenizer, norm=None, **model):
    return bpe(pretokenizer, [UNK], 200, False, norm, unk_token="<unk>", **model)


def llama2():
    t = json.loads(bpe(pre.Metaspace(), [UNK] + BYTES, 450, False, unk_token="<unk>", byte_fallback=True,
                       fuse_unk=True).to_str())
    t["pre_tokenizer"] = None
    t["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    t["added_tokens"] = t["added_tokens"][:1]
    return Tokenizer.from_str(json.dumps(t))


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(
        vocab_size=300, show_progress=False, special_tokens=["[UNK]", "[CLS]"]))
    return t


def unigram():
    t = Tokenizer(models.Unigram())
    t.pre_tokenizer, t.decoder = pre.Metaspace(), decoders.Metaspace()
    t.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=200, show_progress=False, special_tokens=["<unk>"], unk_token="<unk>"))
    return t


def added():
    t = bpe(LEVEL, ["<|end|>"])
    t.add_special_tokens([AddedToken("hello", lstrip=True, special=True),
                          AddedToken("hel", special=True), AddedToken("the", rstrip=True, special=True)])
    return t


def cases():
    yield "trained", bpe(LEVEL)
    yield "gpt2", bpe(pre.ByteLevel(add_prefix_space=True), ["<|end|>"])
    yield "llama3", bpe(pre.Sequence([pre.Split(Regex(LLAMA), "isolated"),
                                      pre.ByteLevel(add_prefix_space=False, use_regex=False)]),
                        ["<|end|>"], ignore_merges=True)
    yield "llama2", llama2()
    yield "added", added()
    yield "metaspace", other(pre.Metaspace(prepend_scheme="first"), fuse_unk=True)
    for how in "removed", "merged_with_previous", "merged_with_next", "contiguous":
        yield how, other(pre.Split(Regex(r"[aeiou\s]"), how))
        yield how + " inverted", other(pre.Split(Regex("[aeiou]"), how, invert=True))
    yield "words", other(pre.Sequence([pre.Whitespace(), pre.Digits(True)]))
    yield "signs", other(pre.Sequence([pre.WhitespaceSplit(), pre.Punctuation("contiguous"), pre.Digits(False)]))
    yield "nfkc", other(pre.CharDelimiterSplit("-"), normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()]))
    yield "nfd", other(pre.WhitespaceSplit(), normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Replace(Regex(r"\d+"), "0")]))
    yield "bert", wordpiece()
    yield "unigram", unigram()


def main():
    rows = []
    for name, t in cases():
        ids = [t.encode(text, add_special_tokens=False).ids for text in TEXTS]
        rows.append({"name": name, "tokenizer": json.loads(t.to_str()), "ids": ids})
    print('{"texts": %s,\n"corpus": %s,\n"cases": [' % (json.dumps(TEXTS), json.dumps(CORPUS)))
    print(",\n".join(json.dumps(row, separators=(",", ":")) for row in rows))
    print("]}")


main()
