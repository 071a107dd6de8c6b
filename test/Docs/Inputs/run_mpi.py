"""Compiles a program with mpicc and runs two ranks of it, if MPI is there: run_mpi.py SOURCE INCLUDE RUNTIME ARGUMENT"""
import os
import pathlib
import shutil
import subprocess
import sys

source, include, runtime, argument = sys.argv[1:]
if not shutil.which("mpicc") or not shutil.which("mpirun"):
    print("no mpicc")
    sys.exit()
program = pathlib.Path(source).with_suffix("")
rpath = f"-Wl,-rpath,{pathlib.Path(runtime).parent}"
subprocess.run(["mpicc", "-std=c11", f"-I{include}", source, runtime, rpath, "-o", program], check=True)
root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1"}
subprocess.run(["mpirun", "-n", "2", program, argument], check=True, env=os.environ | root)
