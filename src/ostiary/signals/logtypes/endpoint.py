"""What runs on devices: sensors' process, name and detection events, host queries, Windows events."""

from typing import Final

from ostiary.signals.logtypes.table import LogType, log_type

_CROWDSTRIKE: Final = {
    "service": "=endpoint",
    "action": "event/OperationName|fdr_event_type|event_simpleName|event_simplename|event/event_simpleName|"
    "metadata/eventType|EventType|"
    "unknown_payload/ExternalApiType",
    "who": "event/UserName|event/UserId|event/UserSid|UserName|event/UserPrincipal|aid|AgentIdString|event/aid",
    "kind": "=process",
    "what": "event/DomainName|DomainName|event/ImageFileName|event/FileName|event/TargetFileName|event/CommandLine|"
    "CommandLine|event/ServiceName|FileName",
    "outcome": "event/Success|event/Outcome",
    "detail": "event/OperationName|event/Technique|event/Tactic|Technique|Objective|"
    "event/PatternDispositionDescription",
    "ip": "event/UserIp|event/LocalIP|event/RemoteAddressIP4|event/SourceIp|aip|LocalIP",
    "device": "aid|event/aid|event/ComputerName|AgentIdString|event/SensorId|device_id",
    "severity": "event/SeverityName|SeverityName|event/Severity|Severity",
    "os": "event_platform|event/event_platform",
    "id": "id|event/id|event/CompositeId|CompositeId",
    "time": "timestamp|metadata/eventCreationTime|event/timestamp|ContextTimeStamp",
}

_WINDOWS: Final = {
    "1102": "audit log cleared",
    "4624": "logon",
    "4625": "logon failed",
    "4648": "logon with explicit credentials",
    "4662": "directory object access",
    "4663": "object access",
    "4672": "special privileges assigned to logon",
    "4688": "process created",
    "4697": "service installed",
    "4698": "scheduled task created",
    "4702": "scheduled task updated",
    "4719": "audit policy changed",
    "4720": "user account created",
    "4722": "user account enabled",
    "4723": "password change",
    "4724": "password reset",
    "4725": "user account disabled",
    "4726": "user account deleted",
    "4728": "member added to global group",
    "4732": "member added to local group",
    "4738": "user account changed",
    "4740": "user account locked out",
    "4756": "member added to universal group",
    "4768": "kerberos ticket requested",
    "4769": "kerberos service ticket requested",
    "4771": "kerberos preauthentication failed",
    "5136": "directory object modified",
    "5140": "network share accessed",
    "5145": "network share checked",
    "7045": "service installed",
}  # Microsoft: events to monitor
_REALMS: Final = {
    f"{place}{who}UserName": f"{place}{who}DomainName"
    for place in ("ExtraEventData/", "")
    for who in ("Target", "Subject")
}
_LOGONS: Final = ("4624", "4625", "4768", "4769", "4771")  # their subject asked for it: the machine itself, or nobody

TYPES: Final[tuple[LogType, ...]] = (
    log_type(
        "Crowdstrike.FDREvent", "crowdstrike_fdr", "CrowdStrike Falcon Data Replicator events", shared=_CROWDSTRIKE
    ),
    log_type("Crowdstrike.DNSRequest", "crowdstrike_dns", "CrowdStrike DNS requests", shared=_CROWDSTRIKE),
    log_type("Crowdstrike.Unknown", "crowdstrike_unknown", "CrowdStrike events of no known kind", shared=_CROWDSTRIKE),
    log_type(
        "Crowdstrike.DetectionSummary",
        "crowdstrike_detection",
        "CrowdStrike detection summaries",
        finding=True,
        severe=60.0,
        shared=_CROWDSTRIKE,
    ),
    log_type(
        "Crowdstrike.EventStreams",
        "crowdstrike_streams",
        "CrowdStrike event streams: audit and detections",
        severe=60.0,
        shared=_CROWDSTRIKE,
    ),
    log_type(
        "Osquery.Differential",
        "osquery",
        "osquery differential results",
        service="=osquery",
        action="name",
        who="columns/username|columns/user|hostIdentifier",
        kind="=host",
        what="columns/path|columns/name|columns/cmdline|hostIdentifier",
        detail="action",
        device="hostIdentifier|decorations/host_uuid",
        time="unixTime|calendarTime",
        ip="columns/remote_address|columns/address|decorations/public_ip",
    ),
    log_type(
        "Windows.EventLogs",
        "windows_events",
        "Windows event log records",
        service="=windows",
        codes=_WINDOWS,
        whose=dict.fromkeys(_LOGONS, "ExtraEventData/TargetUserName|TargetUserName"),
        realms=_REALMS,
        action="EventID|EventId",
        who="ExtraEventData/SubjectUserName|ExtraEventData/TargetUserName|SubjectUserName|TargetUserName|AccountName|"
        "UserID",
        kind="Channel",
        what="ExtraEventData/NewProcessName|ExtraEventData/ObjectName|NewProcessName|ObjectName|Computer|Hostname",
        detail="MessageTitle|EventID",
        device="Computer|Hostname",
        time="TimeCreated|EventTime|@timestamp",
        id="EventRecordID",
    ),
    log_type(
        "CarbonBlack.Audit",
        "carbonblack_audit",
        "VMware Carbon Black audit log",
        service="=carbonblack",
        action="description",
        who="loginName|loginname",
        kind="=sensor",
        what="orgName|orgname",
        detail="flagged",
        ip="clientIp|clientip",
        time="eventTime",
        id="eventId",
        place="orgName|orgname",
    ),
    log_type(
        "CarbonBlack.AlertV2",
        "carbonblack_alert",
        "VMware Carbon Black alerts",
        finding=True,
        service="=alert",
        action="reason|type|attack_technique",
        who="process_username|device_username",
        kind="=process",
        what="process_name|device_name",
        outcome="run_state|policy_applied",
        detail="workflow/closure_reason|workflow/status|reason_code|attack_tactic",
        ip="device_external_ip",
        device="device_id",
        os="device_os",
        time="backend_timestamp|detection_timestamp",
        severe=7.0,
    ),
    log_type(
        "SentinelOne.Activity",
        "sentinelone",
        "SentinelOne activities",
        service="=sentinelone",
        action="primarydescription|primaryDescription|activitytype|activityType",
        who="data/username|data/byUser|userid|userId|data/computername|data/computerName|agentid",
        kind="=endpoint",
        what="data/filedisplayname|data/computername|data/rulename|accountname",
        detail="data/confidencelevel|activitytype|data/threatclassification",
        device="agentid|data/computername",
        severity="data/confidencelevel|data/severity",
        time="createdat|createdAt",
        id="id",
    ),
)
