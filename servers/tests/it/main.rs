//! Every store on its real server.
