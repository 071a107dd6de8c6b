"""Times of a function in PyTorch on a device, each with a cold L2 cache."""
import needs

torch = needs.module("torch")
FLUSHED = 256 << 20  # bytes, several times an L2 cache


def microseconds(function, repeats=15):
    """Return the median time of a CUDA graph of the function, whose tensors must exist, after three calls to warm up."""
    for _ in range(3):
        function()
    torch.cuda.synchronize()
    graph, times = torch.cuda.CUDAGraph(), []
    with torch.cuda.graph(graph):
        function()
    flush = torch.zeros(FLUSHED // 4, device="cuda")
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        flush.sum()  # not a write, whose lines would have to leave the cache in the time that is measured
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return sorted(times)[repeats // 2]


def attempt(make, *arguments):
    """Return (microseconds of the function that make(*arguments) returns, None), or (None, why there are none)."""
    try:
        return microseconds(make(*arguments)), None
    except Exception as error:  # a library may lack a kernel, shared memory may not suffice for a tile
        torch.cuda.synchronize()
        return None, f"{type(error).__name__}: {error}".partition("\n")[0][:200]
