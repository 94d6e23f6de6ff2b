"""Where products keep who, what, when and where: the well-known places, tried after a log type's own table.

Rules:
- A place is a path of names joined by ``/``; alternatives stand in the order in which they are believed.
- Names are those of widely used logs and of Panther's indicator fields (``p_any_…``); nothing here names a product.
- Fields that only a table can tell (what kind of thing, whose right) have no well-known place.
"""

from typing import Final

FIELDS: Final = (
    "id", "time", "service", "action", "who", "who_kind", "kind", "what", "outcome", "detail", "ip", "agent", "session",
    "client", "issuer", "method", "mfa", "device", "managed", "country", "asn", "groups", "labels", "count", "bytes",
    "severity", "os", "place",
)  # fmt: skip

PLACES: Final[dict[str, str]] = {
    "id": "id|uuid|_id|uid|event_id|eventId|EventID|log_id|p_row_id",
    "time": "time|timestamp|eventTime|@timestamp|created_at|createdAt|created|date|Timestamp|Datetime|datetime|"
    "CreationTime|creationtime|createdDateTime|published|TIMESTAMP|EVENT_TIMESTAMP|event_timestamp|TimeCreated|"
    "unixTime|date_create|event/timestamp|event/time|p_event_time|p_parse_time",
    "action": "action|ActionType|eventName|event_type|eventType|EVENT_TYPE|operation|operationName|Operation|"
    "operation_name|activity|type|event|title|Title|name|event_name|methodName|method|message|description",
    "who": "actor/email|actor/user/email|actor/email_address|actor/login|actor/name|actor/id|actor|user/email|"
    "user/name|user/id|user|username|userName|user_name|USER_NAME|user_email|userId|user_id|UserId|userid|USER_ID|"
    "USERNAME|userIdentity/email|userIdentity/arn|identity/arn|identity|email|login|loginName|principal|subject|"
    "created_by/email_address|created_by/login|operator|initiator|admin_email|actor_email|p_any_emails/0|p_any_usernames/0|p_any_actor_ids/0|"
    "p_udm/user/email",
    "ip": "ip|ip_address|ipAddress|sourceIPAddress|source_ip|sourceIp|sourceIP|SourceIP|SOURCE_IP|CLIENT_IP|ClientIP|"
    "clientIp|client_ip|clientip|clientIP|callerIpAddress|remote_ip|remoteIp|remoteAddress|remoteaddress|request_ip|"
    "src_ip|srcAddr|srcaddr|ipaddr|remoteip|actor/ip_address|actor/ipAddress|client/ip_address|client/ipAddress|"
    "context/ip_address|src_endpoint/ip|aip|p_any_ip_addresses/0",
    "agent": "user_agent|userAgent|UserAgent|useragent|USER_AGENT|ua|actor/user_agent|context/ua|"
    "request_user_agent|context/user_agent",
    "session": "session_id|sessionId|SESSION_KEY|sessionID|session|sid",
    "country": "country|country_code|location/country|geo/country|actor_location/country_code",
    "outcome": "outcome|status|result|resultType|success|responseStatus|Status|STATUS|response/statusCode",
    "detail": "error|errorCode|error_code|reason|error_message|errorMessage|ERROR_CODE|resultDescription|"
    "failure_reason",
    "device": "device/id|device_id|deviceId|device/uid|hostname|host|hostIdentifier|Computer|ComputerName|aid|"
    "client_id",
    "count": "count|row_count|rowCount|records|RECORDS_PROCESSED|ROWS_PROCESSED|API_TOTAL_COUNT|rows",
    "bytes": "bytes|BYTES_TRANSFERRED|bytes_transferred|size|RESPONSE_SIZE",
    "severity": "severity|Severity|risk_level|riskLevel|event/severity",
    "what": "resource/id|resource/name|resource|target/id|target/name|target|object/id|object|entity/id|"
    "resourceId|repo|ObjectId|objectid",
    "place": "account_id|accountId|AccountId|recipientAccountId|organization_id|org_id|orgId|org|tenantId|tenant_id|"
    "customer_id|cid|workspace_id|groupId|domain|p_any_aws_account_ids/0",
}
