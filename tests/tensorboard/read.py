"""Read a run folder with TensorBoard's own code and check what tutti promised to write there."""
import sys

from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.backend.event_processing import plugin_event_accumulator as pea
from tensorboard.compat.proto import graph_pb2
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.util import tensor_util


def check(truth, what):
    if not truth:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def read(folder):
    a = ea.EventAccumulator(folder, size_guidance={k: 0 for k in ea.DEFAULT_SIZE_GUIDANCE})
    a.Reload()
    return a


def check_scalars(a, steps):
    tags = set(a.Tags()["scalars"])
    for tag in ("train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "valid/top_2", "lr",
                "images_per_second"):
        check(tag in tags, f"scalar {tag}")
    loss = a.Scalars("train/loss")
    check([e.step for e in loss] == steps, f"train/loss stands once at each of the steps {steps}")
    check(all(0 < e.value < 100 for e in loss), "losses are plausible")
    check(all(abs(e.wall_time - loss[0].wall_time) < 1e5 for e in loss), "so are their times")


def check_histograms(a):
    tags = [t for t in a.Tags()["tensors"] if t.startswith("weights/")]
    check("weights/conv1.weight" in tags and "weights/fc1.bias" in tags, "weights of all layers")
    meta = a.SummaryMetadata("weights/conv1.weight")
    check(meta.plugin_data.plugin_name == "histograms", "they belong to the histograms plugin")
    rows = tensor_util.make_ndarray(a.Tensors("weights/conv1.weight")[-1].tensor_proto)
    check(rows.shape == (30, 3), "a histogram is 30 rows of left, right, count")
    check(rows[:, 2].sum() == 4 * 9, "which count every weight")
    check((rows[1:, 0] == rows[:-1, 1]).all(), "and leave no gap")


def check_images(a):
    tags = a.Tags()["images"]
    check(len(tags) == 3, "three samples as pictures")
    image = a.Images(tags[0])[0]
    check((image.width, image.height) == (8, 8), "of the right size")
    check(image.encoded_image_string.startswith(b"\x89PNG\r\n"), "as PNG")


def check_graph(a):
    g = a.Graph()
    check(isinstance(g, graph_pb2.GraphDef), "the graph parses")
    names = {n.name for n in g.node}
    check(len(names) == len(g.node), "every node has a name of its own")
    check({"x", "conv1/weight", "conv1/conv2d"} <= names, "inputs, parameters and layers are there")
    for n in g.node:
        check(all(i.split(":")[0] in names for i in n.input), f"inputs of {n.name} exist")
        check(n.attr["_output_shapes"].list.shape[0].dim[0].size > 0, f"{n.name} has a shape")


def check_hparams(folder):
    a = pea.EventAccumulator(folder)
    a.Reload()
    found = {}
    for tag in (metadata.EXPERIMENT_TAG, metadata.SESSION_START_INFO_TAG, metadata.SESSION_END_INFO_TAG):
        data = plugin_data_pb2.HParamsPluginData.FromString(a.SummaryMetadata(tag).plugin_data.content)
        found[data.WhichOneof("data")] = data
    check(len(found) == 3, "hparams: experiment, start and end")
    start = found["session_start_info"].session_start_info
    check(start.hparams["train.batch"].number_value == 16, "train.batch is 16")
    check(start.hparams["train.optimizer.kind"].string_value == "adam", "the optimizer is adam")
    check(start.hparams["data.augment.flip"].bool_value is True, "flip is on")
    experiment = found["experiment"].experiment
    check({m.name.tag for m in experiment.metric_infos} >= {"train/loss", "valid/accuracy"}, "metrics")
    check({h.name for h in experiment.hparam_infos} == set(start.hparams), "same names in both")
    check(found["session_end_info"].session_end_info.status == 1, "it ended well")


def check_hparams_page(logdir):
    """The table itself, by the plugin's own backend."""
    from tensorboard import context
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    m = plugin_event_multiplexer.EventMultiplexer()
    m.AddRunsFromDirectory(logdir)
    m.Reload()
    provider = data_provider.MultiplexerDataProvider(m, logdir)
    ctx = backend_context.Context(base_plugin.TBContext(logdir=logdir, multiplexer=m,
                                                        data_provider=provider))
    request = context.RequestContext()
    experiment = ctx.experiment_from_metadata(
        request, "", True, ctx.hparams_metadata(request, ""), ctx.hparams_from_data_provider(
            request, "", 1000) if hasattr(ctx, "hparams_from_data_provider") else [])
    wanted = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=[api_pb2.STATUS_SUCCESS], slice_size=10,
        col_params=[api_pb2.ColParams(metric=m.name) for m in experiment.metric_infos])
    groups = list_session_groups.Handler(request, ctx, "", wanted).run()
    check(len(groups.session_groups) == 1, "the table of runs has one row")
    row = groups.session_groups[0]
    check(row.hparams["train.seed"].number_value == 1, "with its settings")
    check(len(row.metric_values) >= 4, "and its numbers")


def main(folder, steps, ended):
    a = read(folder)
    check_scalars(a, [int(s) for s in steps.split(",")])
    check_histograms(a)
    check_images(a)
    check_graph(a)
    if ended == "ended":
        check_hparams(folder)
        check_hparams_page(folder)


main(*sys.argv[1:])
