# The configuration of lit: tests, and the tools that they run.

import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
import sys

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "mla-mlir"
config.test_format = lit.formats.ShTest(execute_external=not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt", "unit", "golden", "configs", "Fuzz"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.mla_obj_root, "test")

llvm_config.with_system_environment(["HOME", "TMP", "TEMP", "XDG_CACHE_HOME", "MLA_LONG_TESTS"])
llvm_config.use_default_substitutions()  # FileCheck, not, %python
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.mla_tools_dir, append_path=True)

if shutil.which("ccache"):  # for projects that tests build
    config.environment["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
config.substitutions.append(("%mla_src_root", config.mla_src_root))
config.substitutions.append(("%mla_obj_root", config.mla_obj_root))
sanitizers = " -fsanitize=address,undefined" if config.mla_sanitizers else ""  # programs bring their runtime library
config.substitutions.append(("%cc", config.mla_c_compiler + sanitizers))
config.substitutions.append(("%cxx", config.mla_cxx_compiler + sanitizers))
config.substitutions.append(("%golden", os.path.join(config.mla_src_root, "test", "Models", "golden")))
config.substitutions.append(("%configs", os.path.join(config.mla_src_root, "test", "Models", "configs")))
config.substitutions.append(("%llvm_lib_dir", os.path.join(config.llvm_tools_dir, "..", "lib")))
config.substitutions.append(("%mla_runtime", os.path.join(config.mla_obj_root, "lib", "libmla-runtime.so")))
config.substitutions.append(("%mla_plugin", os.path.join(config.mla_obj_root, "lib", "libMLAPlugin.so")))

# Runs @main of the output of `mla-opt --mla-to-cpu`.
runner_libraries = ["%llvm_lib_dir/libmlir_runner_utils.so", "%llvm_lib_dir/libmlir_c_runner_utils.so", "%mla_runtime"]
runner = "mlir-runner -e main --entry-point-result=void --shared-libs=" + ",".join(runner_libraries)
if config.mla_sanitizers:  # mlir-runner is not instrumented, so the runtime's AddressSanitizer must be loaded first
    find = [config.mla_cxx_compiler, "-print-file-name=libclang_rt.asan-" + platform.machine() + ".so"]
    library = subprocess.run(find, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    runner = f"env LD_PRELOAD={library} {runner}"
config.substitutions.insert(0, ("%run_main", runner))

# A tool that is not built fails the tests that name it, not all tests.
tools = ["mla-opt", "mla-compile", "mla-lsp-server", "mla-run", "mla-capi-test", "mlir-runner", "mlir-opt", "mlir-tblgen"]
llvm_config.add_tool_substitutions(
    [ToolSubst(tool, unresolved="ignore") for tool in tools],
    [config.mla_tools_dir, config.llvm_tools_dir],
)


def has_cuda_device():
    """Return whether a driver finds a device; the toolkit does not matter."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def find_ptxas():
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/local/cuda/bin"
    return shutil.which("ptxas", path=path)


def works(command):
    """Return whether the command succeeds on this system."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


# A command without root's capabilities, which override permissions.
unprivileged = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
if works(unprivileged + ["true"]):
    config.available_features.add("unprivileged")
    config.substitutions.insert(0, ("%unprivileged", " ".join(unprivileged)))
# A file system of our own, to fill.
if works(["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]):
    config.available_features.add("tmpfs")
config.available_features.add(platform.machine())
if "MLA_LONG_TESTS" in os.environ:
    config.available_features.add("long-tests")
if config.mla_sanitizers:
    config.available_features.add("sanitizers")
if has_cuda_device():
    config.available_features.add("cuda")
config.available_features.update(filter(importlib.util.find_spec, ["ensurepip", "jsonschema", "numpy", "setuptools", "wheel"]))
if os.path.exists(os.path.join(config.mla_obj_root, "lib", "libmla-fake-cuda.so")):
    config.available_features.add("fake-cuda")
if os.path.exists(os.path.join(config.mla_obj_root, "lib", "libmla-emulated-cuda.so")):
    config.available_features.add("emulated-cuda")


def importable(python, modules):
    """Return the modules that the Python interpreter finds; none if it does not run."""
    code = "import importlib.util, sys; print(*filter(importlib.util.find_spec, sys.argv[1:]))"
    try:
        found = subprocess.run([python, "-c", code, *modules], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return []
    return found.stdout.split()


# Tests with torch run with another interpreter: MLA_TORCH_PYTHON (the variable, else CMake's).
torch_python = os.environ.get("MLA_TORCH_PYTHON") or config.mla_torch_python or sys.executable
config.substitutions.insert(0, ("%torch_python", torch_python))
torch_modules = importable(torch_python, ["torch", "transformers"])
config.available_features.update(torch_modules)
for module in ("torch", "transformers"):
    if module not in torch_modules:
        lit_config.note(f"{torch_python} has no {module}: its tests are skipped; name another in MLA_TORCH_PYTHON")
# Tests in real engines run with others: MLA_VLLM_PYTHON, MLA_SGLANG_PYTHON.
for engine in ("vllm", "sglang"):
    variable = f"MLA_{engine.upper()}_PYTHON"
    python = os.environ.get(variable) or torch_python
    config.substitutions.insert(0, (f"%{engine}_python", python))
    config.available_features.update(importable(python, [engine]))
    if engine not in config.available_features:
        lit_config.note(f"{python} has no {engine}: its tests are skipped; name another in {variable}")
if find_ptxas():
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", find_ptxas()))


def assembles(directory):
    """Return whether mla-compile finds ptxas in a directory of PATH, which is not one of the system's."""
    return os.path.exists(os.path.join(directory, "ptxas")) and not os.path.exists(os.path.join(directory, "env"))


# Assembling is half of the time of a compilation for h100. Tests of it name %ptxas or CUDA_HOME.
directories = config.environment["PATH"].split(os.pathsep)
config.environment["PATH"] = os.pathsep.join(directory for directory in directories if not assembles(directory))
