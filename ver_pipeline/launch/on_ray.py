"""``ver train --ray-address``: the same run as ranks of Ray Train.

The ranks do what ``torchrun`` ranks do; ``--out``, ``--shards`` and ``--model`` must be on storage that
all nodes see under the same path.  A rank that dies ends the attempt; Ray starts all ranks anew and
they resume from the newest checkpoint.
"""

from __future__ import annotations

import argparse
from typing import Any

from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.extras import imports

RESTARTS = 3


def launch(args: argparse.Namespace) -> int:
    """Start ``args.ranks`` workers, wait for them, return the run's exit status.

    Raises:
        MissingDependencyError: Ray Train is not installed.
        VerError: the training failed on the cluster.
    """
    with imports("build,train", "--ray-address"):
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
    options = {name: value for name, value in vars(args).items() if name not in ("ray_address", "ranks", "command")}
    for name in ("shards", "general", "model", "out"):
        if options[name] is not None:
            options[name] = options[name].resolve()
    ray.init(address=args.ray_address, ignore_reinit_error=True)
    try:
        trainer = TorchTrainer(
            _rank,
            train_loop_config=options,
            scaling_config=ScalingConfig(num_workers=args.ranks, use_gpu=ray.cluster_resources().get("GPU", 0) > 0),
            run_config=RunConfig(
                name="ver-train", storage_path=str(options["out"] / "ray"), failure_config=FailureConfig(RESTARTS)
            ),
        )
        result = trainer.fit()
        if result.error is not None:
            raise VerError(f"training failed on the cluster: {result.error}", "the same command resumes")
        return 0
    finally:
        ray.shutdown()


def _rank(options: dict[str, Any]) -> None:
    """One Ray Train worker: the process group is there already, so is the environment of a rank."""
    from ray import train

    from ver_pipeline.launch.plan import jobs_of, write_start_model
    from ver_pipeline.model.train.distributed import join_process_group
    from ver_pipeline.model.train.run import run_stages

    context = train.get_context()
    args = argparse.Namespace(**options)
    distributed = join_process_group(rank=context.get_world_rank(), size=context.get_world_size())
    if distributed.is_main:
        write_start_model(args)
    distributed.barrier()
    run_stages(jobs_of(args), distributed)
