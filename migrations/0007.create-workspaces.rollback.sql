DROP TABLE workspaces
