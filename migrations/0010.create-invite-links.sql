-- depends: 0009.create-invitations
-- Shareable links into a workspace. Only a hash of the token is kept; it is shown once, when the link is made.
CREATE TABLE invite_links (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    workspace_id BIGINT UNSIGNED NOT NULL,
    token_hash BINARY(32) NOT NULL,
    role VARCHAR(10) NOT NULL,
    max_uses INT UNSIGNED NOT NULL,
    uses INT UNSIGNED NOT NULL DEFAULT 0,
    created_by BIGINT UNSIGNED NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    UNIQUE KEY invite_links_token (token_hash),
    KEY invite_links_workspace (workspace_id),
    CONSTRAINT invite_links_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT invite_links_created_by FOREIGN KEY (created_by) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
