CORES = {}
def jobs(names): return []
def run(names): pass
