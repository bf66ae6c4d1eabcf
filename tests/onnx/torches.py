"""Nets that torch.onnx writes (opset 17), as people have them."""
import warnings

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) \
            if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.down(x))


class Last(nn.Module):
    """A recurrence, and the last place of it."""
    def __init__(self, rnn, out, how):
        super().__init__()
        self.rnn, self.fc, self.how = rnn, nn.Linear(out, 3), how

    def forward(self, x):
        y, h = self.rnn(x)
        h = h[0] if isinstance(h, tuple) else h
        return self.fc(y[:, -1] if self.how == "y" else y if self.how == "all" else h[-1])


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.rnn = nn.Embedding(9, 5), nn.GRU(5, 4, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.rnn(self.table(x))[0].mean(1)).softmax(-1)


class View(nn.Module):
    def forward(self, x):
        return x.view(x.size(0), -1)


class ConvNext(nn.Module):
    """A block of it: products at each place, a trained number for each channel; behind it ShuffleNet's halves."""
    def __init__(self, c, side):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(c), nn.Linear(c, 9), nn.Linear(9, c, bias=False)
        self.gamma, self.head = nn.Parameter(torch.rand(c, 1, 1)), nn.Linear(c * side * side, 3)

    def forward(self, x):
        y = nn.functional.hardswish(self.up(self.norm(x.permute(0, 2, 3, 1))))
        a, b = (x + self.gamma * self.down(y).permute(0, 3, 1, 2)).chunk(2, 1)
        return self.head(torch.cat([nn.functional.relu6(a), b], 1).flatten(1))


def lstm(how, **more):
    return Last(nn.LSTM(5, 4, batch_first=True, **more), 8 if more.get("bidirectional") else 4, how)


IMAGE, ROW, PLACES, WORDS = (2, 3, 12, 12), (2, 7), (2, 6, 5), "words"
NETS = {
    "torch_mlp": (lambda: nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Dropout(), nn.Linear(9, 4, bias=False),
                                        nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 3), nn.Softmax(-1)), ROW),
    "torch_cnn": (lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.SiLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.Conv2d(8, 8, 3, groups=4, dilation=2, padding=2), nn.LeakyReLU(0.2), nn.AvgPool2d(2),
        nn.GroupNorm(2, 8), nn.PReLU(8), nn.ConvTranspose2d(8, 4, 3, 2, 1, 1), nn.ELU(0.5), View(),
        nn.Linear(4 * 36, 5), nn.Sigmoid()), IMAGE),
    "torch_resnet": (lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), Block(8, 8, 1), Block(8, 12, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)), IMAGE),
    "torch_up": (lambda: nn.Sequential(
        nn.Upsample(scale_factor=2), nn.ZeroPad2d((1, 0, 2, 1)), nn.InstanceNorm2d(3, affine=True),
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Tanh(), nn.MaxPool2d(4),
        nn.Flatten(), nn.Linear(3 * 13 * 12, 2)), IMAGE),
    "torch_row": (lambda: nn.Sequential(nn.Conv1d(6, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(),
                                        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(8, 3)), PLACES),
    "torch_lstm": (lambda: lstm("y"), PLACES), "torch_lstm2": (lambda: lstm("y", num_layers=2), PLACES),
    "torch_state": (lambda: lstm("h"), PLACES), "torch_all": (lambda: lstm("all", bidirectional=True), PLACES),
    "torch_rnn": (lambda: Last(nn.RNN(5, 4, batch_first=True, nonlinearity="relu"), 4, "y"), PLACES),
    "torch_words": (Words, WORDS), "torch_convnext": (lambda: ConvNext(3, 12), IMAGE),
}


def stir(net):
    torch.manual_seed(3)
    for name, t in net.state_dict().items():
        if t.dtype == torch.float32 and t.dim() == 1:
            t.uniform_(0.5, 1.5) if "running_var" in name or "weight" in name else t.uniform_(-0.3, 0.3)


@torch.no_grad()
def export(name, path, free=True):
    make, shape = NETS[name]
    torch.manual_seed(4)
    net = make().eval()
    stir(net)
    x = torch.randint(0, 9, (2, 6)) if shape == WORDS else torch.randn(shape)
    axes = {0: "batch"} if not free or shape in (IMAGE, ROW) or name == "torch_row" else {0: "batch", 1: "length"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (x,), path, dynamo=False, opset_version=17, input_names=["x"],
                          output_names=["y"], dynamic_axes={"x": axes})
