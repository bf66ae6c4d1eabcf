"""Nets of PyTorch's own layers, as people write them: {name: () -> (net, sample, dimensions that are free)}"""
import torch
import torch.nn.functional as F
from torch import nn

import torches

PLACES = (2, 6, 8)


class Heads(nn.Module):
    """nn.MultiheadAttention, added to what it reads."""
    def __init__(self, bias=True):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.heads, self.out = nn.MultiheadAttention(8, 2, batch_first=True, bias=bias), nn.Linear(8, 3)

    def forward(self, x):
        y = self.norm(x)
        return self.out(x + self.heads(y, y, y, need_weights=False)[0])


class Scaled(nn.Module):
    """F.scaled_dot_product_attention of three products."""
    def __init__(self, causal, heads=2):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.causal, self.heads = causal, heads

    def split(self, x):
        return x.view(x.shape[0], -1, self.heads, 8 // self.heads).transpose(1, 2)

    def forward(self, x):
        y = F.scaled_dot_product_attention(*(self.split(f(x)) for f in (self.q, self.k, self.v)),
                                           is_causal=self.causal)
        return self.o(y.transpose(1, 2).reshape(x.shape[0], -1, 8))


class Joint(nn.Module):
    """One product for q, k and v, as timm has it, and by hand."""
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(8, 24, bias=False), nn.Linear(8, 8)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = ((q * 0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, t, c))


class Encoder(nn.Module):
    def __init__(self, first, act="relu", layers=1):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=first, activation=act)
        self.body, self.out = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.body(x).mean(1))


class Last(nn.Module):
    def __init__(self, kind, **more):
        super().__init__()
        self.rnn = getattr(nn, kind)(8, 5, batch_first=True, **more)
        self.out = nn.Linear(5 * (1 + more.get("bidirectional", False)), 3)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.body, self.out = nn.Embedding(9, 8), Heads(), nn.Linear(3, 2)

    def forward(self, x):
        return self.out(self.body(self.words(x)).mean(1))


def of(make, shape=PLACES, free=(1,)):
    return lambda: (make(), torch.randn(shape), free)


def images(*layers):
    return of(lambda: nn.Sequential(*[f() for f in layers], nn.Flatten(), nn.LazyLinear(3)), (2, 4, 8, 8), ())


def rows(*layers):
    return of(lambda: nn.Sequential(*[f() for f in layers], nn.Flatten(), nn.LazyLinear(3)), (2, 4, 12), ())


def lazy(make):
    def made():
        net, x, free = make()
        net(x)
        return net, x, free
    return made


NETS = {
    "heads": of(Heads), "heads_plain": of(lambda: Heads(bias=False)), "heads_fixed": of(Heads, free=()),
    "scaled": of(lambda: Scaled(False)), "scaled_causal": of(lambda: Scaled(True)),
    "scaled_one": of(lambda: Scaled(False, 1)), "joint": of(Joint), "joint_fixed": of(Joint, free=()),
    "encoder": of(lambda: Encoder(False)), "encoder_first": of(lambda: Encoder(True, "gelu")),
    "encoder_fixed": of(lambda: Encoder(True), free=()),
    "words": lambda: (Words(), torch.randint(0, 9, (2, 6)), (1,)),
    "lstm": of(lambda: Last("LSTM")), "gru": of(lambda: Last("GRU", num_layers=2)),
    "rnn": of(lambda: Last("RNN", bidirectional=True)), "lstm_both": of(lambda: Last("LSTM", bidirectional=True)),
    "up": lazy(images(lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1), lambda: nn.Upsample(scale_factor=2),
                      lambda: nn.Upsample(size=(9, 7), mode="bilinear"))),
    "norms": lazy(images(lambda: nn.GroupNorm(2, 4), lambda: nn.BatchNorm2d(4), lambda: nn.InstanceNorm2d(4),
                         lambda: nn.InstanceNorm2d(4, affine=True), lambda: nn.LayerNorm([4, 8, 8]),
                         lambda: nn.RMSNorm(8), lambda: nn.LocalResponseNorm(3))),
    "acts": lazy(images(nn.ReLU, nn.SiLU, nn.GELU, nn.Tanh, nn.ELU, nn.Sigmoid, nn.LeakyReLU, nn.PReLU)),
    "convnext": lambda: (torches.ConvNext(4, 8), torch.randn(2, 4, 8, 8), ()),
    "hard": lazy(images(nn.ReLU6, nn.Hardswish, nn.Hardsigmoid)),
    "pools": lazy(images(lambda: nn.MaxPool2d(3, 1, 1), lambda: nn.AvgPool2d(2, padding=1),
                         lambda: nn.AvgPool2d(2, padding=1, count_include_pad=False),
                         lambda: nn.AdaptiveAvgPool2d(2))),
    "rows": lazy(rows(lambda: nn.Conv1d(4, 6, 3, padding=1), lambda: nn.BatchNorm1d(6), lambda: nn.MaxPool1d(2),
                      lambda: nn.AvgPool1d(2))),
}
