/**
 * The shapes of the API that the app uses (docs/api.md, /api/docs).
 *
 * @typedef {{id: number, username: string, email: string, full_name: string, created_at: string}} Profile
 * @typedef {{id: number, device: string, ip: string, created_at: string, last_used_at: string, is_current: number}} Session
 * @typedef {'owner' | 'admin' | 'member' | 'guest'} Role
 * @typedef {{id: number, name: string, description: string, created_by: string, created_at: string, role: Role}} Workspace
 * @typedef {{user_id: number, username: string, email: string, full_name: string, role: Role, joined_at: string,
 *   presence: string}} Member
 * @typedef {{user_id: number, username: string, email: string, full_name: string, joined_at: string}} ChannelMember
 * @typedef {{id: number, workspace_id: number, name: string, is_private: number, created_at: string, topic: string,
 *   description: string, is_default: number, is_archived: number, is_member: number, last_seq: number, read_seq: number,
 *   unread_count: number, mention_count: number}} Channel
 * @typedef {{id: number, channel_id: number, seq: number, sender_email: string, sender_name: string, body: string,
 *   client_msg_id: string | null, created_at: string, edited_at: string | null, deleted_at: string | null}} Message
 * @typedef {{id: number, seq: number, kind: string, message: string, actor_email: string, workspace_id: number,
 *   channel_id: number | null, message_id: number | null, created_at: string, read_at: string | null}} Notice
 * @typedef {{id: number, actor_email: string, type: string, ref_id: number, summary: string, created_at: string,
 *   workspace_id: number, channel_id: number | null, seq: number}} Activity
 * @typedef {{id: number, email: string, role: Role, invited_by: string, created_at: string, expires_at: string}} Invitation
 * @typedef {{id: number, role: Role, max_uses: number, uses: number, created_by: string, created_at: string,
 *   expires_at: string}} InviteLink
 *
 * @typedef {{id: number, created_at: string, actor_id: number | null, actor_email: string, action: string,
 *   target_type: string, target_id: number, workspace_id: number | null, details: Record<string, string | number>, ip: string,
 *   user_agent: string}} AuditRecord
 *
 * A frame of a socket, or the body of an answer: its other fields depend on its type (docs/realtime.md).
 * @typedef {{type: string, [field: string]: any}} Frame
 *
 * A message that is on its way.
 * @typedef {{id: string, channel_id: number, body: string, created_at: string, error: string | null}} Pending
 */
export {};
