"""The annotate stage: ask the chosen annotator, hear the independent labeling sources, apply the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.agreement.embedding import TextEmbedding
from ver_pipeline.annotators.agreement.policy import load_skill, verdict
from ver_pipeline.annotators.agreement.votes import agreement as compute_agreement
from ver_pipeline.annotators.base import Annotator, OnGpu, Request, Result, Usage
from ver_pipeline.annotators.canaries.guard import Guard, refusal_line
from ver_pipeline.annotators.cues.features import read_features
from ver_pipeline.annotators.cues.labeling_sources import label_votes
from ver_pipeline.annotators.health import Health
from ver_pipeline.annotators.registry import make, release
from ver_pipeline.annotators.reviewed import Review, apply_review, load_reviews
from ver_pipeline.annotators.teacher.asking import Model
from ver_pipeline.annotators.teacher.prices import gpu_hours, is_local, money_spent, teacher_of
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.labels import wheel
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Resources, Row

CONTEXT_COLUMNS = ("context", "source.title")
"""What is read besides where somebody asks about the scene around the clip."""


class AnnotateStage:
    """Clip rows in, annotated rows out.

    Args:
        config: the ``annotate`` section.
        cache_dir: where answers that cost money are kept as they arrive; None keeps none.
    """

    name = "annotate"
    version = "3"
    unit = "clip"
    reads: tuple[str, ...] = ("key", "clip", "media_path", "speech", "measured")
    writes = ("annotation", "alternatives", "agreement", "human")

    def __init__(self, config: AnnotateConfig, cache_dir: str | Path | None = None) -> None:
        self.config = config
        self.main = self._make(config.annotator, cache_dir)
        others = [*config.also, *(["cues"] if config.keep_cues else [])]
        names = [name for name in dict.fromkeys(others) if name != config.annotator]
        self.others: list[Annotator] = [self._make(name, cache_dir) for name in names]
        self.adjudicator = self._adjudicator(cache_dir)
        self.batch_size = max(config.batch_size, self.main.batch_size)
        self.resources = Resources(
            cpus=0.5, gpus=max(annotator.gpus if isinstance(annotator, OnGpu) else 0.0 for annotator in self.asked())
        )
        self._skill = load_skill(config.source_skill)
        self._wheel = digest(wheel(config.wheel)) if config.wheel else None
        self._reviews = load_reviews(config.reviews)
        self._embedding = TextEmbedding(config.embedding) if config.embedding else None
        self.spent: dict[str, Usage] = {}
        self._taken: dict[str, float] = {}
        folder = None if cache_dir is None else Path(cache_dir)
        # A local model is left out: the driver of a build would load it.
        self._guards = {
            annotator.name: Guard(annotator, folder, config.canary_every)
            for annotator in self.asked()
            if isinstance(annotator, Model) and not is_local(annotator.teacher)
        }
        self._health = {annotator.name: Health(annotator.name, config.max_unread) for annotator in self.asked()}
        if wants_context(self):  # everybody else must not run again for what a neighbour says
            self.reads = (*self.reads, *CONTEXT_COLUMNS)

    def fingerprint(self) -> Mapping[str, Any]:
        """The policy, and each annotator's own fingerprint (prompts, model, revision, options)."""
        not_policy = {
            "batch_size",
            "max_unread",
            "canary_every",
            "options",
            "source_skill",
            "reviews",
            "embedding",
            "wheel",
        }
        policy = self.config.model_dump(mode="json", exclude=not_policy)
        embedding = {"embedding": self._embedding.fingerprint()} if self._embedding else {}
        return {
            "policy": {**policy, "wheel": self._wheel},
            **({"canaries": False} if self._guards and not self.config.canary_every else {}),
            **embedding,
            "source_skill": self._skill.to_dict() if self._skill else None,
            "reviews": digest([[r.key, r.human(), dict(r.fields)] for _, r in sorted(self._reviews.items())]),
            "annotators": {annotator.name: _identity(annotator) for annotator in self.asked()},
        }

    def open(self) -> None:
        """Open every annotator that will be asked."""
        for annotator in self.asked():
            annotator.open()

    def prove(self) -> list[str]:
        """Test the senses of every model that will be asked; returns what to tell of it, a line a model.

        What is found may change the fingerprint: a model that does not see is asked otherwise.
        """
        lines = []
        for name, guard in self._guards.items():
            report = guard.before_run()
            if report is not None:
                lines.append(refusal_line(name, report) if report.refused else report.line(name))
        return lines

    @property
    def refused(self) -> bool:
        """A sense of a model was refused when it was last tested: it may have been mended since."""
        return any(guard.annotator.teacher.senses.refused for guard in self._guards.values())

    @property
    def proves(self) -> bool:
        """There are senses to test."""
        return any(guard.every and guard.annotator.teacher.has_senses for guard in self._guards.values())

    def asked(self) -> list[Annotator]:
        """Every annotator that is or may be asked: the main one first, the adjudicator last."""
        return [self.main, *self.others, *([self.adjudicator] if self.adjudicator else [])]

    def take_spent(self) -> dict[str, float]:
        """Tokens, hours and money spent since the last call, over all annotators; without prices no money."""
        whole: dict[str, float] = {
            "tokens_in": 0, "tokens_out": 0, "cost": 0.0, "gpu_hours": 0.0, "n_unseen": 0,
        }  # fmt: skip
        for annotator in self.asked():
            spent = self.spent.get(annotator.name, Usage())
            whole["tokens_in"] += spent.tokens_in
            whole["tokens_out"] += spent.tokens_out
            whole["n_unseen"] += spent.unseen
            whole["cost"] += money_spent(annotator, spent) or 0.0
            whole["gpu_hours"] += gpu_hours(annotator, spent) or 0.0
        new = {name: amount - self._taken.get(name, 0) for name, amount in whole.items()}
        self._taken = whole
        return new

    def words(self) -> str:
        """Why most of the main annotator's unreadable answers could not be read; empty where all could."""
        return self._health[self.main.name].words()

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """One outcome per row.  A failed main annotator is a reject with its reason; a failed further
        one only leaves no alternative."""
        requests = [request_of(row) for row in rows]
        results = self._ask(self.main, requests)
        further = [self._ask(other, requests) for other in self.others]
        outcomes: list[Outcome] = []
        for i, (request, result) in enumerate(zip(requests, results, strict=True)):
            outcomes.append(self._outcome(request, result, [column[i] for column in further]))
        return outcomes

    def _ask(self, annotator: Annotator, requests: Sequence[Request]) -> list[Result]:
        results = annotator.annotate(requests)
        self._health[annotator.name].note(results)
        if annotator.name in self._guards:
            self._guards[annotator.name].note(len(results))
        known = self.spent.get(annotator.name, Usage())
        self.spent[annotator.name] = sum((result.usage for result in results), known)
        return results

    def _outcome(self, request: Request, result: Result, further: Sequence[Result]) -> Outcome:
        review = self._reviews.get(request.key)
        if review is not None and review.decision == "reject":
            return Reject(
                Reason.HUMAN_REJECTED, self.name, f"rejected by a reviewer on {review.decided_utc}", key=request.key
            )
        if result.annotation is None:
            return Reject(result.reason or Reason.INTERNAL, self.name, result.message, key=request.key)
        alternatives = [*result.samples, *(r.annotation for r in further if r.annotation is not None)]
        if review is not None:
            return self._reviewed(request, review, result.annotation, alternatives)
        return self._judged(request, result.annotation, alternatives)

    def _reviewed(
        self, request: Request, review: Review, annotation: dict[str, Any], alternatives: list[dict[str, Any]]
    ) -> Outcome:
        """The human record; what it replaces becomes the first alternative."""
        final = apply_review(review, annotation)
        alternatives = [annotation, *alternatives]
        votes = independent_votes(request)
        agreement = self._agreement(final, alternatives, votes)
        return {"annotation": final, "alternatives": alternatives, "agreement": agreement, "human": review.human()}

    def _judged(self, request: Request, annotation: dict[str, Any], alternatives: list[dict[str, Any]]) -> Outcome:
        """The row, after the policy on disagreement; cue annotations abstain by themselves instead."""
        votes = independent_votes(request)
        agreement = self._agreement(annotation, alternatives, votes)
        said = "keep"
        if annotation["provenance"]["tier"] != "cue":
            said = verdict(agreement, self.config.on_disagreement, self.config.min_tier)
        if said == "adjudicate" and self.adjudicator is not None:
            second = self._ask(self.adjudicator, [request])[0]
            if second.annotation is not None:
                alternatives = [annotation, *alternatives]
                annotation = second.annotation
                agreement = self._agreement(annotation, alternatives, votes)
                said = verdict(agreement, "flag", self.config.min_tier)
            else:
                said = "flag"
        if said == "reject":
            message = (
                f"agreement tier {agreement['tier']} of {agreement['n_votes']} votes is below {self.config.min_tier}"
            )
            return Reject(Reason.LOW_AGREEMENT, self.name, message, key=request.key)
        if said == "flag":
            annotation = {**annotation, "emotion": {**annotation["emotion"], "ambiguity": "high"}}
        return {"annotation": annotation, "alternatives": alternatives, "agreement": agreement, "human": None}

    def _agreement(
        self, annotation: dict[str, Any], alternatives: Sequence[dict[str, Any]], votes: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        similarity = self._embedding.similarity if self._embedding else None
        return compute_agreement(annotation, alternatives, votes, self._skill, self.config.wheel, similarity)

    def _make(self, name: str, cache_dir: str | Path | None) -> Annotator:
        return make(name, self.config.options.get(name), cache_dir)

    def _adjudicator(self, cache_dir: str | Path | None) -> Annotator | None:
        if self.config.on_disagreement != "adjudicate":
            return None
        if self.config.adjudicator is None:
            raise ConfigError("annotate.on_disagreement is 'adjudicate' without annotate.adjudicator", "name one")
        return self._make(self.config.adjudicator, cache_dir)


def _identity(annotator: Annotator) -> dict[str, Any]:
    """What shapes an annotator's answers; of another package's also which release of it."""
    package = release(annotator.name)
    return {**annotator.fingerprint(), **({"release": package} if package else {})}


def request_of(row: Row) -> Request:
    """The annotator's request for one clip row; its context is the neighbours' words and the video's title."""
    around = row.get("context")
    context = None if around is None else {**around, "title": row["source"]["title"]}
    return Request(row["key"], row.get("media_path"), row["clip"], row["speech"], row["measured"], context)


def wants_context(stage: AnnotateStage) -> bool:
    """Somebody who will be asked also asks what is said around the clip."""
    teachers = [teacher_of(annotator) for annotator in stage.asked()]
    return any(teacher is not None and teacher.options.context for teacher in teachers)


def independent_votes(request: Request) -> list[dict[str, Any]]:
    """Votes of the face, the voice and the words; those too undecided to count are left out."""
    features = read_features(request.clip, request.speech, request.measured)
    votes = [vote.vote() for vote in label_votes(features, request.speech, request.measured)]
    return [vote for vote in votes if vote is not None]
