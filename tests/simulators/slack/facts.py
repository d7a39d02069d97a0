"""The wire facts this simulator is pinned to: where each is kept, and the words of the fact sheet it comes from."""

PINNED = {
    "web_api._arguments": "in the query string, or form, or JSON",
    "web_api.WebApi._check_token": "Token in `Authorization: Bearer`",
    "web_api.WebApi.handle": "rate limit is HTTP 429 + `Retry-After` seconds",
    "methods.SlackError": "Errors are HTTP 200",
    "methods._metadata": "a peer must keep metadata",
    "events.envelope": "token, team_id, api_app_id, event, type=event_callback, event_id",
    "events._mention": "A channel mention also produces message.channels for the same ts",
    "events._message": "Bot posts: bot_id, app_id, bot_profile",
    "events.of_edit": "subtype for message_changed/deleted/file_share",
    "events.of_command": "form fields token, team_id, team_domain, channel_id",
    "socket_mode.SocketMode._hello": '"connection_info":{"app_id"}',
    "socket_mode.SocketMode._wrap": "plus `retry_attempt`,`retry_reason` for events_api",
    "socket_mode.SocketMode._take_ack": 'client acks `{"envelope_id"[,"payload"]}`',
    "socket_mode.SocketMode.connect": "server must pong with the same data",
    "socket_mode.SocketMode.disconnect": "reconnects on ANY disconnect reason",
    "control.Control._respond": "usable 5 times in 30 min",
    "control.Control._command": "Slash ack text arrives as payload",
}
