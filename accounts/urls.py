"""Accounts. Those of allauth's addresses that we open, under the names by which it looks for them; what is not here does not exist:
nobody signs up, no e-mail address is managed, no password is reset by strangers."""

from django.urls import include, path

from accounts import provider
from accounts.views import away, certificates, door, factors, numbers, own, people, proof, superusers
from orgtree.pages import page_view

of_ours = (
    [
        path("", own.own, name="own"),
        path("protect/", own.protect, name="protect"),
        path("here/", away.here, name="here"),
        path("away/", away.away, name="away"),
        path("superusers/", superusers.superusers, name="superusers"),
        path("superusers/propose/", superusers.propose, name="superuser_propose"),
        path("superusers/<uuid:term_id>/confirm/", superusers.confirm, name="superuser_confirm"),
        path("superusers/<uuid:term_id>/refuse/", superusers.refuse, name="superuser_refuse"),
        path("superusers/<uuid:term_id>/withdraw/", superusers.withdraw, name="superuser_withdraw"),
        path("certificates/", certificates.own, name="certificates"),
        path("certificates/ask/", certificates.ask, name="certificate_ask"),
        path("certificates/<uuid:certificate_id>/", certificates.certificate, name="certificate"),
        path("certificates/<uuid:certificate_id>/statement/", certificates.statement, name="certificate_statement"),
        path("certificates/<uuid:certificate_id>/prove/", certificates.prove, name="certificate_prove"),
        path("certificates/<uuid:certificate_id>/confirm/", certificates.confirm, name="certificate_confirm"),
        path("certificates/<uuid:certificate_id>/refuse/", certificates.refuse, name="certificate_refuse"),
        path("certificates/<uuid:certificate_id>/end/", certificates.end, name="certificate_end"),
        path("people/<int:user_id>/certificates/", certificates.of_person, name="person_certificates"),
        path("people/<int:user_id>/certificates/ask/", certificates.ask, name="person_certificate_ask"),
        path("sessions/end/", own.end_sessions, name="sessions_end"),
        path("people/<int:user_id>/", people.person, name="person"),
        path("people/<int:user_id>/number/", numbers.propose, name="number_propose"),
        path("numbers/<uuid:change_id>/confirm/", numbers.confirm, name="number_confirm"),
        path("numbers/<uuid:change_id>/refuse/", numbers.refuse, name="number_refuse"),
        path("numbers/<uuid:change_id>/withdraw/", numbers.withdraw, name="number_withdraw"),
        path("people/<int:user_id>/sessions/end/", people.end_sessions, name="person_sessions_end"),
        path("people/<int:user_id>/second-factor/", people.take_back_factors, name="person_factors_take_back"),
    ],
    "accounts",
)

urlpatterns = [
    path("login/", door.Door.as_view(), name="account_login"),
    path("login/code/", door.CodeAtTheDoor.as_view(), name="mfa_authenticate"),
    path("login/passkey/", door.PasskeyAtTheDoor.as_view(), name="mfa_login_webauthn"),
    path("login/sso/", provider.login, name="sso_login"),
    path("login/sso/callback/", provider.callback, name="sso_callback"),
    path("logout/", door.Out.as_view(), name="account_logout"),
    path("signed-out/", door.SignedOut.as_view(), name="signed_out"),
    path("password_change/", page_view(own.NewPassword.as_view()), name="account_change_password"),
    path("confirm/", page_view(proof.PasswordProof.as_view()), name="account_reauthenticate"),
    path("confirm/code/", page_view(proof.CodeProof.as_view()), name="mfa_reauthenticate"),
    path("confirm/passkey/", page_view(proof.PasskeyProof.as_view()), name="mfa_reauthenticate_webauthn"),
    path("account/", include(of_ours)),
    path("account/", own.own, name="mfa_index"),
    path("account/app/", page_view(factors.AppSetUp.as_view()), name="mfa_activate_totp"),
    path("account/app/remove/", page_view(factors.AppRemoval.as_view()), name="mfa_deactivate_totp"),
    path("account/passkeys/add/", page_view(factors.PasskeySetUp.as_view()), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", page_view(factors.PasskeyRemoval.as_view()), name="mfa_remove_webauthn"),
    path("account/codes/", page_view(factors.Codes.as_view()), name="mfa_view_recovery_codes"),
    path("account/codes/new/", page_view(factors.CodesRenewal.as_view()), name="mfa_generate_recovery_codes"),
]
