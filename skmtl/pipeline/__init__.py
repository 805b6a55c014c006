"""The outermost estimator, what it passes down, and the models it is compared with."""

from skmtl.pipeline._pipeline import MTLPipeline, make_mtl_pipeline

__all__ = ["MTLPipeline", "make_mtl_pipeline"]
