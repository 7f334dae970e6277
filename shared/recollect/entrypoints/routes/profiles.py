"""Profiles, in the form that clients know them: they are not enabled."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints import profile_answers as answers
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp


class ProfileReadRoutes:
    """What reads profiles; to be added before routes to entities, whose names take slashes."""

    def add_to(self, app: HttpApp) -> None:
        """Register the routes."""
        path = "/v2/entities/user/<entity_name>/profile"
        app.get(path, summary="Read a user's profile")(self.get_profile)
        app.get("/v2/profiles/jobs/<job_id>", summary="Follow a profile job")(self.get_job)
        app.get("/v2/profiles/settings", summary="Read the settings of profiles")(self.get_settings)

    def get_profile(self, entity_name: str) -> answers.ProfileAnswer:
        """Tell that no profiles are made, whether or not there is such a user."""
        user = caller.access.checked(Subject.of(SubjectKind.USER, entity_name))
        return answers.profile_answer(user)

    def get_job(self, job_id: str) -> answers.ProfileJobPageAnswer:
        """Tell that the job was not started."""
        return answers.profile_job_page_answer(job_id)

    def get_settings(self) -> answers.ProfileSettingsAnswer:
        """Tell that profiles are disabled."""
        return answers.profile_settings_answer()


class ProfileWriteRoutes:
    """What would make profiles and change their settings."""

    def add_to(self, app: HttpApp) -> None:
        """Register the routes."""
        settings = "/v2/profiles/settings"
        app.post("/v2/profiles/jobs", summary="Ask for profiles to be made")(self.post_job)
        app.post(settings, summary="Change the settings of profiles")(self.post_settings)

    def post_job(self, body: Annotated[answers.ProfileJobBody, Body()]) -> answers.ProfileJobAnswer:
        """Start nothing and say so; an idempotency key is welcome, and repeating is harmless."""
        user = body.user()
        if user is not None:
            caller.access.checked(user)
        return answers.profile_job_answer(body.operation)

    def post_settings(
        self, body: Annotated[answers.ProfileSettingsBody, Body()]
    ) -> answers.ProfileSettingsAnswer:
        """Leave them as they are; 400 for what would enable or configure profiles."""
        body.check()
        return answers.profile_settings_answer()
