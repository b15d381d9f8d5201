"""What an answer costs under the prices in the options."""

from __future__ import annotations

from ver_pipeline.annotators.base import Annotator, Usage
from ver_pipeline.annotators.options import TeacherOptions
from ver_pipeline.annotators.teacher.teacher import Teacher


def money(options: TeacherOptions, tokens_in: int, tokens_out: int, hours: float | None) -> float | None:
    """Price of tokens and hours under the options' prices; None where it cannot be told."""
    if not is_priced(options):
        return None
    if hours is None:
        if options.price_hour:
            return None
        hours = 0.0
    return tokens_in / 1e6 * options.price_in + tokens_out / 1e6 * options.price_out + hours * options.price_hour


def is_priced(options: TeacherOptions) -> bool:
    """Some price was set."""
    return bool(options.price_in or options.price_out or options.price_hour)


def gpu_hours(annotator: Annotator, spent: Usage) -> float | None:
    """Hours that a model in these processes worked; None where no such model was asked."""
    teacher = teacher_of(annotator)
    return spent.seconds / 3600 if teacher is not None and is_local(teacher) else None


def teacher_of(annotator: Annotator) -> Teacher | None:
    """The model behind an annotator; None for those that ask no model and cost nothing."""
    teacher = getattr(annotator, "teacher", None)
    return teacher if isinstance(teacher, Teacher) else None


def is_local(teacher: Teacher) -> bool:
    """The model works in this process, so its hours are ours to pay."""
    return teacher.name in ("transformers", "vllm")


def money_spent(annotator: Annotator, spent: Usage) -> float | None:
    """What ``spent`` cost: nothing for an embedded annotator, None for a teacher without prices."""
    teacher = teacher_of(annotator)
    return 0.0 if teacher is None else price(teacher, spent)


def price(teacher: Teacher, spent: Usage) -> float | None:
    """What ``spent`` cost under the teacher's prices; None without any."""
    hours = spent.seconds / 3600 if is_local(teacher) else 0.0
    return money(teacher.options, spent.tokens_in, spent.tokens_out, hours)
