"""What each role gets at each address of the admin, and whether it may change anything there.

A cell is the status of a GET; a plus says that a POST of a valid form changes something, a star that
looking does too (an export is written down). For a list's action, a plus says that it changes a row, a
minus that it does not. The right half is about a row of Globex, a stranger to who is of Acme; where an
address is about no organization's row, there is none. A superuser gets what an operator gets.

Three POSTs of a whole form change nothing although the page opens: to add a connection or limits, since
both organizations have theirs, and to change a password, for which the form has no old one.

The address of a row without a page, a redirect for everybody, is not in it.
An address or an action that is not in the table fails the tests: whoever adds one says here who may.
"""

#: Org admin of Acme; support of Acme, by a membership; org admin of Acme and support of Globex; support
#: and operator of the portal, by their groups.
COLUMNS = ["org_admin", "helper", "both", "support", "operator"]

#: By address or action: what a role gets for Acme's row, and for Globex's.
Cells = dict[str, tuple[str, str | None]]


def cells() -> dict[tuple[str, str], Cells]:
    """By group and line of the table, by role: the cell of Acme's row and that of Globex's."""
    found: dict[tuple[str, str], Cells] = {}
    group = ""
    for line in TABLE.strip("\n").splitlines():
        if not line.startswith(" "):
            group = line.strip()
            continue
        about, _space, values = line.strip().partition("  ")
        acme, _bar, globex = (half.split() for half in values.partition("|"))
        found[group, about] = {
            role: (acme[number], globex[number] if globex else None) for number, role in enumerate(COLUMNS)
        }
    return found


TABLE = """
the portal
    login/                                        302  302  302  302  302
    sso/login/                                    404  404  404  404  404
    sso/callback/                                 404  404  404  404  404
    two-factor/                                   200  200  200  200  200
    two-factor/second-step/                       302  302  302  302  302
    two-factor/app/                               200  200  200  200  200
    two-factor/app/remove/                        404  404  404  404  404
    two-factor/passkeys/add/                      200  200  200  200  200
    two-factor/passkeys/<int:pk>/rename/          404  404  404  404  404
    two-factor/passkeys/<int:pk>/remove/          404  404  404  404  404
    two-factor/recovery-codes/                    404  404  404  404  404
    two-factor/recovery-codes/new/                200  200  200  200  200
    two-factor/again/                             200  200  200  302  302
    two-factor/again/code/                        302  302  302  302  302
    two-factor/again/passkey/                     302  302  302  302  302
    two-factor/again/sign-in/                     200  200  200  200  200
    sessions/                                     200  200  200  200  200
    password_reset/                               200  200  200  200  200
    password_reset/done/                          200  200  200  200  200
    reset/<uidb64>/<token>/                       200  200  200  200  200
    reset/done/                                   200  200  200  200  200
    notification-settings/                        200+ 200+ 200+ 200+ 200+
    .                                             200  200  200  200  200
    logout/                                       405  405  405  405  405
    password_change/                              200  200  200  200  200
    password_change/done/                         200  200  200  200  200
    autocomplete/                                 403  403  403  403  403
    jsi18n/                                       200  200  200  200  200
    r/<path:content_type_id>/<path:object_id>/    404  404  404  404  404   | 404  404  404  404  404
    <app_label>/                                  200  200  200  200  200
    <url>                                         404  404  404  404  404
auth/group/
    .                                             403  403  403  403  200
    add/                                          403  403  403  403  200+
    <path:object_id>/history/                     403  403  403  403  200
    <path:object_id>/delete/                      403  403  403  403  200+
    <path:object_id>/change/                      403  403  403  403  200+
    action delete_selected                        -    -    -    -    +
integrations/connection/
    .                                             200  403  200  403  200
    add/                                          403  403  403  403  200   | 403  403  403  403  200
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      403  404  403  404  403   | 404  404  404  404  403
    <path:object_id>/change/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
    action test_connections                       +    -    +    -    +     | -    -    -    -    +
    action fetch_packages                         +    -    +    -    +     | -    -    -    -    +
    action fetch_jobs                             +    -    +    -    +     | -    -    -    -    +
integrations/customfield/
    .                                             200  403  200  403  200
    add/                                          200+ 403  200+ 403  200+  | 200  403  200  403  200+
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    <path:object_id>/change/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    action delete_selected                        +    -    +    -    +     | -    -    -    -    +
integrations/package/
    .                                             200  403  200  403  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      403  404  403  404  403   | 404  404  404  404  403
    <path:object_id>/change/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
    action switch_on                              +    -    +    -    +     | -    -    -    -    +
    action switch_off                             +    -    +    -    +     | -    -    -    -    +
    action make_default                           +    -    +    -    +     | -    -    -    -    +
integrations/job/
    .                                             200  403  200  403  200
    add/                                          200+ 403  200+ 403  200+  | 200  403  200  403  200+
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      403  404  403  404  403   | 404  404  404  404  403
    <path:object_id>/change/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
    action map_to_package                         +    -    +    -    +     | -    -    -    -    +
    action remove_mapping                         +    -    +    -    +     | -    -    -    -    +
integrations/ashbyapikey/
    .                                             200  403  200  403  200
    add/                                          200+ 403  200+ 403  200+  | 200  403  200  403  200+
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    <path:object_id>/change/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    action delete_selected                        +    -    +    -    +     | -    -    -    -    +
    action use_key                                +    -    +    -    +     | -    -    -    -    +
integrations/previousverificationkey/
    .                                             200  403  200  403  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    <path:object_id>/change/                      200  404  200  404  200   | 404  404  404  404  200
    action delete_selected                        +    -    +    -    +     | -    -    -    -    +
integrations/organization/
    <int:pk>/setup/                               200  404  200  404  200   | 404  404  404  404  200
    <int:pk>/setup/live/                          200  404  200  404  200   | 404  404  404  404  200
    <int:pk>/setup/<slug:step>/save/              405+ 404  405+ 404  405+  | 404  404  404  404  405+
    <int:pk>/setup/use-key/<int:key>/             405+ 404  405+ 404  405+  | 404  404  404  404  405+
    <int:pk>/setup/<slug:kind>/ask/               405+ 404  405+ 404  405+  | 404  404  404  404  405+
    .                                             200  200  200  200  200
    add/                                          403  403  403  403  200+  | 403  403  403  403  200+
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200+ 200  200+ 200  200+  | 404  404  200  200  200+
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
integrations/membership/
    .                                             200  403  200  403  200
    add/                                          200+ 403  200+ 403  200+  | 200  403  200  403  200+
    <path:object_id>/history/                     200  404  200  404  200   | 404  404  404  404  200
    <path:object_id>/delete/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    <path:object_id>/change/                      200+ 404  200+ 404  200+  | 404  404  404  404  200+
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
    action invite_again                           +    -    +    -    +     | -    -    -    -    +
    action remove_members                         +    -    +    -    +     | -    -    -    -    +
auth/user/
    <id>/password/                                403  403  403  403  200+
    .                                             403  403  403  403  200
    add/                                          403  403  403  403  200+
    <path:object_id>/history/                     403  403  403  403  200
    <path:object_id>/delete/                      403  403  403  403  200+
    <path:object_id>/change/                      403  403  403  403  200+
    action delete_selected                        -    -    -    -    +
    action reset_two_factor                       -    -    -    -    +
assessments/order/
    export/                                       200*+ 200*+ 200*+ 200*+ 200*+
    <uuid:pk>/retry/                              200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/poll/                               200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/link-existing/                      403  200+ 403  200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/resubmit/                           403  200+ 403  200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/take-number/                        403  200+ 403  200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/take-result/                        403  200+ 403  200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/resolve/                            200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/note/                               200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/cancel/                             200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/hold/                               200+ 403  200+ 403  200+  | 404  404  403  403  200+
    <uuid:pk>/lift/                               200+ 403  200+ 403  200+  | 404  404  403  403  200+
    <uuid:pk>/updates/<int:update_pk>/skip/       200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    <uuid:pk>/updates/<int:update_pk>/resend/     200+ 200+ 200+ 200+ 200+  | 404  404  200+ 200+ 200+
    mapping-preview/<int:pk>/                     200  404  200  404  200   | 404  404  404  404  200
    .                                             200  200  200  200  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
    action retry_now                              +    +    +    +    +     | -    -    +    +    +
    action poll_orders_now                        +    +    +    +    +     | -    -    +    +    +
assessments/ashbyupdate/
    .                                             200  200  200  200  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/callattempt/
    .                                             200  200  200  200  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/orderevent/
    .                                             200  200  200  200  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/inboundrequest/
    .                                             200  200  200  200  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/stallthresholds/
    .                                             200  200  200  200  200
    add/                                          200  403  200  403  200   | 200  403  200  403  200
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      200+ 403  200+ 403  200+  | 404  404  403  403  200+
    <path:object_id>/change/                      200+ 200  200+ 200  200+  | 404  404  200  200  200+
    action delete_selected                        +    -    +    -    +     | -    -    -    -    +
integrations/auditlogentry/
    .                                             200  200  200  200  200
    export/                                       200  200  200  200  200
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/reconciliation/
    .                                             200  200  200  200  200
    now/                                          405+ 405+ 405+ 405+ 405+
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/erasurecertificate/
    .                                             200  200  200  200  200
    erase/                                        200+ 403  200+ 403  200+
    add/                                          403  403  403  403  403   | 403  403  403  403  403
    <path:object_id>/history/                     200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/delete/                      403  403  403  403  403   | 404  404  403  403  403
    <path:object_id>/change/                      200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/text/                        200  200  200  200  200   | 404  404  200  200  200
    <path:object_id>/json/                        200  200  200  200  200   | 404  404  200  200  200
    action delete_selected                        -    -    -    -    -     | -    -    -    -    -
assessments/heartbeat/
    .                                             403  403  403  403  200
    add/                                          403  403  403  403  403
    <path:object_id>/history/                     403  403  403  403  200
    <path:object_id>/delete/                      403  403  403  403  403
    <path:object_id>/change/                      403  403  403  403  200
    action delete_selected                        -    -    -    -    -
"""
