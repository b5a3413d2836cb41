package qqtest

// The platform's error codes that the simulator gives, from its table of codes.
const (
	codeTooMany       = 100001 // token: too many requests
	codeBadAppID      = 100007
	codeBadSecret     = 100016
	codeNoToken       = 11241
	codeUnknownToken  = 11243
	codeExpiredToken  = 11244
	codeNoRight       = 11253
	codeIP            = 11298
	codeIPErr         = 40023002
	codeRate          = 20028
	codeParam         = 22006
	codeMenu          = 40030020
	codeExpired       = 40034005
	codeSensitive     = 40034006
	codeNoMarkdown    = 40034011
	codeBadMsgID      = 40034024
	codeBadEventID    = 40034025
	codeEventExpired  = 40034026
	codeEventType     = 40034027
	codeKeyboard      = 40034029
	codeQuota         = 40034100
	codeNotInGroup    = 40034101
	codeNoActive      = 40034102
	codeActiveOff     = 40034105
	codeWakeupUsed    = 40034122
	codeWakeupNo      = 40034123
	codeReplyLimit    = 40034128
	codeMuted         = 40054002
	codeRobotOut      = 40054003
	codeNotFriend     = 40054004
	codeDuplicate     = 40054005
	codeTooLong       = 40054007
	codeURL           = 40054010
	codePushRefused   = 40054013
	codeTemplateBoth  = 50057
	codeStreamPrefix  = 40007
	codeStreamIndex   = 50001
	codeStreamRate    = 50002
	codeRecallForeign = 40062003
	codeRecallLate    = 40064004
	codeGuildURL      = 304003
	codeArk           = 304004
	codeAudit         = 304023
	codeAuditReply    = 304024
	codeGuildExpired  = 304027
	codeDMQuota       = 304049
	codeChannelQuota  = 304045
	codeBothContents  = 304061
	codeFileInfo      = 304080
	codeLabel         = 305007
	codeThreadRate    = 503004
	codeThreadSize    = 503016
	codeAckTwice      = 630001
	codeAckForeign    = 630003
	codeFileFormat    = 850019
	codeFileSize      = 850031
	codeNotFound      = 11255
)

// words are the texts beside the codes; bots must not decide on them.
var words = map[int]string{
	codeTooMany: "Too many requests", codeBadAppID: "appid invalid", codeBadSecret: "invalid appid or secret",
	codeNoToken: "token is missing", codeUnknownToken: "token check failed", codeExpiredToken: "token not exist or expire",
	codeNoRight: "应用接口被封禁", codeIP: "接口访问源IP不在白名单", codeRate: "请求过于频繁", codeParam: "参数错误",
	codeMenu: "菜单或面板参数错误", codeExpired: "被动消息已过期", codeSensitive: "消息内容违规",
	codeNoMarkdown: "markdown 参数错误", codeBadMsgID: "msg_id 无效或越权", codeBadEventID: "event_id 无效",
	codeEventExpired: "event_id 已过期", codeEventType: "不支持的 event_id 类型", codeKeyboard: "按钮行列数超过限制",
	codeQuota: "主动消息超过频控", codeNotInGroup: "机器人不在群里", codeNoActive: "主动消息失败, 无权限",
	codeActiveOff: "主动消息失败, 无权限", codeWakeupUsed: "互动召回次数已用完", codeWakeupNo: "不支持互动召回",
	codeReplyLimit: "被动消息超过限制", codeMuted: "机器人被禁言", codeRobotOut: "机器人不在群里", codeNotFriend: "不是好友",
	codeDuplicate: "消息被去重，请检查请求msgseq", codeTooLong: "消息长度超过限制", codeURL: "不允许发送URL",
	codePushRefused: "用户拒绝接收主动消息", codeTemplateBoth: "markdown 模板与内容不能同时存在", codeStreamPrefix: "流式消息前缀不可修改",
	codeStreamIndex: "流式消息序号错误", codeStreamRate: "流式消息过于频繁", codeRecallForeign: "消息不存在或不属于机器人",
	codeRecallLate: "消息超过可撤回时间", codeGuildURL: "url 未报备", codeArk: "没有 ark 模板权限", codeAudit: "push message is waiting for audit now",
	codeAuditReply: "reply message is waiting for audit now", codeGuildExpired: "msg_id 已过期", codeDMQuota: "私信主动消息超过限制",
	codeChannelQuota: "频道主动消息超过限制", codeBothContents: "消息类型与内容不符", codeFileInfo: "file_info 无效或已过期", codeLabel: "按钮文字过长",
	codeThreadRate: "发帖过于频繁", codeThreadSize: "帖子内容过长", codeAckTwice: "重复回应", codeAckForeign: "互动不属于该机器人",
	codeFileFormat: "文件格式不支持", codeFileSize: "文件过大", codeNotFound: "路径不存在",
}
