-- depends: 0007.create-workspaces
-- Who is in a workspace: owner (exactly one), admin, member or guest (sees only the channels that it was added to).
CREATE TABLE workspace_members (
    workspace_id BIGINT UNSIGNED NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    role VARCHAR(10) NOT NULL,
    joined_at DATETIME NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    KEY workspace_members_user (user_id, workspace_id),
    CONSTRAINT workspace_members_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    CONSTRAINT workspace_members_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci
